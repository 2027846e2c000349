"""The built-in tools by name, class and alias, as text: which module holds what, without importing it."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from llmspell.frozen import frozen


@frozen
class Entry:
    """One tool. target: `module:Class`, imported at the first use. extra: what `pip install 'llmspell[EXTRA]'` must
    name for some or all of its work."""

    name: str
    class_name: str
    alias: str
    target: str
    extra: str = ""


#: By category.
TOOLS: Final[tuple[Entry, ...]] = (
    Entry("file_system", "FileSystemTool", "FileSystem", "llmspell.tools.system.file_system:FileSystemTool"),
    Entry("shell_command", "ShellCommandTool", "ShellCommand", "llmspell.tools.system.shell_command:ShellCommandTool"),
    Entry("environment", "EnvironmentTool", "Environment", "llmspell.tools.system.environment:EnvironmentTool"),
    Entry("process", "ProcessTool", "Process", "llmspell.tools.system.process:ProcessTool"),
    Entry("json", "JsonTool", "Json", "llmspell.tools.data.json_tool:JsonTool", "data"),
    Entry("csv", "CsvTool", "Csv", "llmspell.tools.data.csv_tool:CsvTool"),
    Entry("xml", "XmlTool", "Xml", "llmspell.tools.data.xml_tool:XmlTool", "data"),
    Entry("sqlite", "SqliteTool", "Sqlite", "llmspell.tools.data.sqlite_tool:SqliteTool"),
    Entry("regex", "RegexTool", "Regex", "llmspell.tools.data.regex_tool:RegexTool"),
    Entry("data_cleaner", "DataCleanerTool", "DataCleaner", "llmspell.tools.data.data_cleaner:DataCleanerTool"),
    Entry("http_request", "HttpRequestTool", "HttpRequest", "llmspell.tools.web.http_request:HttpRequestTool"),
    Entry("web_search", "WebSearchTool", "WebSearch", "llmspell.tools.web.web_search:WebSearchTool"),
    Entry("web_scraper", "WebScraperTool", "WebScraper", "llmspell.tools.web.web_scraper:WebScraperTool", "web"),
    Entry("rss_feed", "RssFeedTool", "RssFeed", "llmspell.tools.web.rss_feed:RssFeedTool", "web"),
    Entry("websocket", "WebSocketTool", "WebSocket", "llmspell.tools.web.websocket:WebSocketTool"),
    Entry("email", "EmailTool", "Email", "llmspell.tools.communication.email_tool:EmailTool", "communication"),
    Entry("slack", "SlackTool", "Slack", "llmspell.tools.communication.slack_tool:SlackTool"),
    Entry("discord", "DiscordTool", "Discord", "llmspell.tools.communication.discord_tool:DiscordTool"),
    Entry("twilio", "TwilioTool", "Twilio", "llmspell.tools.communication.twilio_tool:TwilioTool"),
    Entry("github", "GitHubTool", "GitHub", "llmspell.tools.integration.github_tool:GitHubTool"),
    Entry("jira", "JiraTool", "Jira", "llmspell.tools.integration.jira_tool:JiraTool"),
    Entry("aws", "AwsTool", "Aws", "llmspell.tools.integration.aws_tool:AwsTool", "integration"),
    Entry(
        "kubernetes",
        "KubernetesTool",
        "Kubernetes",
        "llmspell.tools.integration.kubernetes_tool:KubernetesTool",
        "integration",
    ),
    Entry("embedding", "EmbeddingTool", "Embedding", "llmspell.tools.ai.embedding_tool:EmbeddingTool", "embeddings"),
    Entry(
        "vector_search",
        "VectorSearchTool",
        "VectorSearch",
        "llmspell.tools.ai.vector_search:VectorSearchTool",
        "embeddings",
    ),
    Entry(
        "image_generation",
        "ImageGenerationTool",
        "ImageGeneration",
        "llmspell.tools.ai.image_generation:ImageGenerationTool",
    ),
    Entry(
        "audio_transcribe",
        "AudioTranscribeTool",
        "AudioTranscribe",
        "llmspell.tools.ai.audio_transcribe:AudioTranscribeTool",
    ),
    Entry(
        "code_interpreter",
        "CodeInterpreterTool",
        "CodeInterpreter",
        "llmspell.tools.ai.code_interpreter:CodeInterpreterTool",
    ),
    Entry("calculator", "CalculatorTool", "Calculator", "llmspell.tools.math.calculator:CalculatorTool"),
    Entry("statistics", "StatisticsTool", "Statistics", "llmspell.tools.math.statistics_tool:StatisticsTool"),
    Entry(
        "statistics_calculator",
        "StatisticsCalculatorTool",
        "StatisticsCalculator",
        "llmspell.tools.math.statistics_calculator:StatisticsCalculatorTool",
    ),
    Entry(
        "linear_algebra",
        "LinearAlgebraTool",
        "LinearAlgebra",
        "llmspell.tools.math.linear_algebra:LinearAlgebraTool",
        "math",
    ),
    Entry(
        "symbolic_math",
        "SymbolicMathTool",
        "SymbolicMath",
        "llmspell.tools.math.symbolic_math:SymbolicMathTool",
        "math",
    ),
    Entry("datetime", "DateTimeTool", "DateTime", "llmspell.tools.time.date_time:DateTimeTool"),
    Entry("timer", "TimerTool", "Timer", "llmspell.tools.time.timer:TimerTool"),
    Entry("scheduler", "SchedulerTool", "Scheduler", "llmspell.tools.time.scheduler:SchedulerTool", "time"),
    Entry("timezone", "TimeZoneTool", "TimeZone", "llmspell.tools.time.time_zone:TimeZoneTool"),
    Entry("hash", "HashTool", "Hash", "llmspell.tools.crypto.hash_tool:HashTool"),
    Entry("encryption", "EncryptionTool", "Encryption", "llmspell.tools.crypto.encryption:EncryptionTool", "crypto"),
    Entry("signature", "SignatureTool", "Signature", "llmspell.tools.crypto.signature:SignatureTool", "crypto"),
    Entry("random", "RandomTool", "Random", "llmspell.tools.crypto.random_tool:RandomTool"),
    Entry("markdown", "MarkdownTool", "Markdown", "llmspell.tools.documents.markdown_tool:MarkdownTool", "data"),
    Entry("file_writer", "FileWriterTool", "FileWriter", "llmspell.tools.documents.file_writer:FileWriterTool"),
    Entry("csv_reader", "CsvReaderTool", "CsvReader", "llmspell.tools.documents.csv_reader:CsvReaderTool"),
    Entry("pdf_reader", "PdfReaderTool", "PdfReader", "llmspell.tools.documents.pdf_reader:PdfReaderTool", "data"),
    Entry("diff", "DiffTool", "Diff", "llmspell.tools.documents.diff_tool:DiffTool"),
    Entry(
        "chart_generator",
        "ChartGeneratorTool",
        "ChartGenerator",
        "llmspell.tools.documents.chart_generator:ChartGeneratorTool",
        "charts",
    ),
)

#: Every spelling (name, class, alias) -> `module:Class`.
TARGETS: Final = MappingProxyType(
    {spelling: entry.target for entry in TOOLS for spelling in (entry.name, entry.class_name, entry.alias)}
)

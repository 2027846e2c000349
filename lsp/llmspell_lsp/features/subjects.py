"""What a meaning is about, as a value that two places share exactly if they are about the same thing.

References, highlights and rename compare subjects. A field belongs to the table literal or the script class it was
first put into; a workflow's variable to the steps that give it. Unknown is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmspell.api.names import snake
from llmspell_lsp.analysis.sites import Site
from llmspell_lsp.analysis.types import (
    UNKNOWN,
    ClassObject,
    Constant,
    Instance,
    Method,
    Module,
    Native,
    Promise,
    Record,
    Schema,
    ScriptClass,
    Type,
    Value,
)
from llmspell_lsp.features.made import made_by
from llmspell_lsp.features.meaning import (
    Known,
    Meaning,
    ModuleName,
    Option,
    Output,
    Property,
    Reference,
    Text_,
    This,
    Variable,
)
from llmspell_lsp.features.references import givers
from llmspell_lsp.syntax.nodes import Call, Class, Member, Span

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.analysis.named import Named, NameKind
    from llmspell_lsp.analysis.scope import Binding
    from llmspell_lsp.analysis.steps import Flow, Step
    from llmspell_lsp.analysis.vocabulary import Found


@dataclass(slots=True, frozen=True)
class Local:
    """A name that the document declares."""

    binding: Binding


@dataclass(slots=True, frozen=True)
class Own:
    """A field of a table or class of the spell. uri, at: where that stands. static: of the class itself."""

    uri: str
    at: Span
    name: str
    static: bool = False


@dataclass(slots=True, frozen=True)
class Api:
    """A name of the registry or the language, as the registry has it. owner: "" for a global one."""

    owner: str
    name: str


@dataclass(slots=True, frozen=True)
class Var:
    """What `{{name}}` stands for in a workflow. steps: all that give it; none for a name of the run's input."""

    flow: Flow
    name: str
    steps: tuple[Step, ...]


@dataclass(slots=True, frozen=True)
class Numbered:
    """A step by its place: `{{step_2}}`."""

    flow: Flow
    step: Step


@dataclass(slots=True, frozen=True)
class Called:
    """What a text names for everybody: an agent, a tool, a workflow, a state key, an event.

    name: of an event in the registry's spelling. scope: of a state key the state it is in.
    """

    kind: NameKind
    name: str
    scope: str = ""


@dataclass(slots=True, frozen=True)
class Key:
    """A key of the registry's option tables, as the registry has it. owner: whose option."""

    owner: str
    name: str


Subject = Local | Own | Api | Var | Numbered | Called | Key


def subject(infer: Inference, meant: Meaning) -> Subject | None:
    """What a meaning is about."""
    match meant:
        case Variable(binding=binding):
            return Local(binding)
        case Known(found=found, receiver=receiver):
            return api(infer, found, receiver)
        case Property(field=field, receiver=receiver):
            return own(infer, receiver, field.name)
        case Option(key=key, outer=outer, wanted=wanted):
            point = infer.words.hook_point(key) if outer.name == "hooks" else None
            return Called("hook_point", point["name"]) if point is not None else Key(wanted.owner, snake(key))
        case Text_(named=named):
            return None if named is None else called(infer, named)
        case Reference(flow=flow, use=use):
            if use.reference is None:
                return None
            name = use.reference.name
            found = givers(use)
            if found and name not in found[0].gives:
                return Numbered(flow, found[0])
            return variable(flow, name, found)
        case Output(flow=flow, step=step, name=name):
            return variable(flow, name, (step,))
        case This() | ModuleName():
            return None


def variable(flow: Flow, name: str, steps: tuple[Step, ...]) -> Var:
    """With every step that sets the same value: all that give the name in one context, and wherever a reference may
    mean several. The items of a map have a context each."""
    all_ = dict.fromkeys(steps)
    groups = [givers(use) for use in flow.uses if use.reference is not None and use.reference.name == name]
    for around in {_map_around(step) for step in flow.givers(name)}:
        groups.append(tuple(step for step in flow.givers(name) if _map_around(step) is around))
    grown = True
    while grown:
        before = len(all_)
        for group in groups:
            if any(each in all_ for each in group):
                all_.update(dict.fromkeys(each for each in group if name in each.gives))
        grown = len(all_) > before
    return Var(flow, name, tuple(each for each in flow.steps() if each in all_))


def _map_around(step: Step) -> Step | None:
    around = step.parent
    while around is not None and around.kind != "map_reduce":
        around = around.parent
    return around


def own(infer: Inference, receiver: Type, name: str) -> Subject | None:
    """The field of a name of a table or an object of a class of the spell."""
    match receiver:
        case Promise(value=value):
            return own(infer, value, name)
        case Record(site=Site() as site):
            return Own(site.uri, site.span, name)
        case Instance(of=ScriptClass() as of):
            return _of_class(infer, of, name, static=False)
        case ScriptClass():
            return _of_class(infer, receiver, name, static=infer.language == "javascript")
        case Module(exports=exports):
            field = exports.get(name)
            site = field.site if field is not None else None
            return None if site is None else Own(site.uri, site.span, name)
        case _:
            return None


def _of_class(infer: Inference, of: ScriptClass, name: str, *, static: bool) -> Subject | None:
    root = of
    while isinstance(root.base, ScriptClass):
        root = root.base
    if root.base == UNKNOWN and not _stands_alone(root):
        return None
    if isinstance(root.base, ClassObject):
        found = infer.member(root.base if static else Instance(root.base), name)
        if found is None and infer.language == "lua":  # whose classes and objects share their members
            found = infer.member(root.base, name)
        if found is not None:
            return api(infer, found)
    return Own(root.site.uri, root.site.span, name, static)


def _stands_alone(of: ScriptClass) -> bool:
    return isinstance(of.site.node, Class) and of.site.node.base is None


def api(infer: Inference, found: Found, receiver: Type = UNKNOWN) -> Api | None:
    """A name of the registry or the language; a field of a table by the table's name, None where that has none."""
    if isinstance(found.type, Native):
        return Api("", found.type.name)
    if found.kind in ("class", "namespace", "error", "global"):
        return Api("", found.type.name if isinstance(found.type, ClassObject) else found.name)
    if found.kind == "maker":
        return Api(found.owner, found.name)
    if found.described is None:
        return None
    owner = found.owner or (_table(receiver.schema) if isinstance(receiver, Value) else "")
    return Api(owner, snake(found.name).removesuffix("_async")) if owner else None


def _table(schema: Schema) -> str:
    """What the stubs call a table; "" for one without a name."""
    return "LlmspellError" if schema.get("x-error") else schema.get("x-name", "")


def called(infer: Inference, named: Named) -> Called | None:
    """What a name in a text is about; None where it cannot be told whose key it is."""
    match named.kind:
        case "state_key":
            scope = scope_of(infer, named)
            return None if scope is None else Called("state_key", named.name, scope)
        case "event":
            event = infer.words.event(named.name)
            return Called("event", event["name"] if event is not None else snake(named.name))
        case "hook_point":
            return Called("hook_point", snake(named.name))
        case "tool" | "workflow":
            return Called(named.kind, named.name.replace("-", "_") if named.kind == "tool" else named.name)
        case kind:
            return Called(kind, named.name)


def scope_of(infer: Inference, named: Named) -> str | None:
    """The state that a key is in: "" for the project's, the name of a scope; None where it cannot be told."""
    call = named.site.node
    if not isinstance(call, Call) or not isinstance(call.callee, Member):
        return None
    receiver = infer.type_of(named.site.placed, call.callee.object)
    if receiver == ClassObject("State"):
        return ""
    made = made_by(infer, named.site.placed, call.callee.object)
    if made is None or not made[1].arguments:
        return None
    place, maker = made
    method = infer.type_of(place, maker.callee)
    if not isinstance(method, Method) or method.described["name"] != "scope":
        return None
    name = infer.type_of(place, maker.arguments[0])
    return f"scope {name.value}" if isinstance(name, Constant) and isinstance(name.value, str) else None

"""The process that does algebra: one JSON request a line on standard input, one JSON answer a line.

Run as a script (`python -I algebra.py`), it imports nothing of llmspell; sympy takes 1 to 3 s, after which it says
`{"ready": true}`. Formulas come as trees (`formula`), so there is no text to be run. Each request has some seconds of
CPU, and all of them some memory; the kernel ends the process past either. It ends when its input ends.
"""

import json
import resource
import sys
from collections.abc import Callable
from typing import Any

import sympy

#: Its own types are of no use here: they do not know what an operation gives.
s: Any = sympy

Request = dict[str, Any]
Answer = dict[str, Any]

_MEMORY = 1536 * 1024 * 1024
_LONGEST = 50_000

_CONSTANTS = {
    "pi": s.pi,
    "e": s.E,
    "E": s.E,
    "I": s.I,
    "phi": s.GoldenRatio,
    "tau": 2 * s.pi,
    "oo": s.oo,
    "infinity": s.oo,
}
_OWN_NAMES = {"abs": "Abs", "ceil": "ceiling", "comb": "binomial", "min": "Min", "max": "Max", "ln": "log"}


class Refused(Exception):
    """There is no answer: why, and what to do."""


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    say({"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        used = resource.getrusage(resource.RUSAGE_SELF)
        seconds = int(used.ru_utime + used.ru_stime + request["seconds"]) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))
        say(answered(request))
        s.core.cache.clear_cache()


def say(answer: Answer) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def answered(request: Request) -> Answer:
    try:
        answer = OPERATIONS[request["operation"]](request)
        if len(json.dumps(answer)) > _LONGEST:
            return {"error": "the result is too long to be useful", "hint": "ask for less"}
        return answer
    except Refused as error:
        return {"error": error.args[0], "hint": error.args[1]}
    except MemoryError:
        return {"error": "it needs too much memory", "hint": "make the expression simpler"}
    except NotImplementedError:
        return {"error": "no method is known for it", "hint": "make the expression simpler, or give numbers"}
    except RecursionError:
        return {"error": "it is nested too deeply", "hint": "compute it in parts"}
    except Exception as error:  # sympy raises many kinds at what cannot be done
        return {"error": f"it cannot be done: {str(error)[:200] or type(error).__name__}", "hint": ""}


def built(tree: list[Any]) -> Any:
    """The tree as sympy has it."""
    kind, *parts = tree
    match str(kind):
        case "number":
            return s.Rational(parts[0])
        case "symbol":
            return s.Symbol(parts[0])
        case "constant":
            return _CONSTANTS[parts[0]]
        case "call":
            return applied(parts[0], [built(part) for part in parts[1:]])
        case _:
            pass
    values = [built(part) for part in parts]
    if len(values) == 1:
        return -values[0]
    left, right = values
    match kind:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            if right == 0:
                raise Refused("it divides by zero", "check the denominator")
            return left / right
        case _:
            return powered(left, right)


def powered(base: Any, exponent: Any) -> Any:
    if base.is_Rational and exponent.is_Integer and base not in (0, 1, -1):
        digits = abs(int(exponent)) * max(abs(base.p).bit_length(), base.q.bit_length()) * 0.302
        if digits > 10_000:
            raise Refused("it holds a number of more than 10000 digits", "keep such powers out of it")
    return base**exponent


def applied(name: str, values: list[Any]) -> Any:
    match name:
        case "log2" | "log10":
            return s.log(values[0], 2 if name == "log2" else 10)
        case "factorial" if values[0].is_number and values[0] > 3000:
            raise Refused("it holds a factorial that is too large", "3000! is the largest")
        case _:
            return getattr(s, _OWN_NAMES.get(name, name))(*values)


def written(expression: Any) -> Answer:
    """The answer for one expression. A number is given as one too."""
    if expression.has(s.nan):
        raise Refused("it is not defined there", "check for divisions by zero")
    answer = {"result": text(expression), "latex": s.latex(expression)}
    value = number(expression)
    return answer if value is None else {**answer, "value": value}


def text(expression: Any) -> str:
    try:
        found = s.sstr(expression)
    except ValueError:  # Python writes no number of more than 4300 digits
        raise Refused("it holds a number of more than 4300 digits", "compute it as a decimal number") from None
    return found


def number(expression: Any) -> float | None:
    if not expression.is_number or not expression.is_finite:
        return None
    found = expression.evalf(17)
    if not found.is_Float and not found.is_Integer and not found.is_Rational:
        return None
    value = float(found)
    if not abs(value) < 1e308:
        return None
    return int(value) if value.is_integer() and abs(value) <= 2**53 else value


def of(request: Request) -> Any:
    return built(request["expression"])


def variable(request: Request) -> Any:
    return s.Symbol(request["variable"])


def closed(expression: Any, what: str) -> Answer:
    if expression.has(s.Integral, s.Limit, s.Derivative, s.Sum):
        raise Refused(f"no closed form of the {what} is known", "give numbers as its ends, or make it simpler")
    return written(expression)


def differentiate(request: Request) -> Answer:
    return closed(s.diff(of(request), variable(request), request["order"]), "derivative")


def integrate(request: Request) -> Answer:
    if request["lower"] is None:
        return closed(s.integrate(of(request), variable(request)), "integral")
    ends = (variable(request), built(request["lower"]), built(request["upper"]))
    found = s.integrate(of(request), ends)
    if not found.has(s.Integral):
        return written(found)
    value = number(s.Integral(of(request), ends).evalf())
    if value is None:
        raise Refused("no value of the integral is known", "check that it is finite between these ends")
    return {"result": repr(value), "latex": repr(value), "value": value}


def limit(request: Request) -> Answer:
    direction = {"both": "+-", "left": "-", "right": "+"}[request["direction"]]
    point = built(request["point"])
    if point.is_infinite:
        direction = "-" if point.is_positive else "+"
    found = s.limit(of(request), variable(request), point, direction)
    if found is s.zoo:
        raise Refused("it grows to infinity with a different sign on each side", "give a `direction`")
    return closed(found, "limit")


def series(request: Request) -> Answer:
    found = s.series(of(request), variable(request), built(request["point"]), request["order"])
    return written(found.removeO())


def substitute(request: Request) -> Answer:
    values = {s.Symbol(name): built(tree) for name, tree in request["values"].items()}
    return written(of(request).subs(values, simultaneous=True))


def evaluate(request: Request) -> Answer:
    values = {s.Symbol(name): built(tree) for name, tree in request["values"].items()}
    expression = of(request).subs(values, simultaneous=True)
    if not expression.is_number:
        left = ", ".join(sorted(str(symbol) for symbol in expression.free_symbols))
        raise Refused(f"{left} has no value", "give it in `values`")
    return written(expression.evalf(request["digits"]))


def solve(request: Request) -> Answer:
    equations = [built(tree) for tree in request["equations"]]
    wanted = [s.Symbol(name) for name in request["variables"]]
    single = len(equations) == len(wanted) == 1  # which sympy does better than a system
    found = s.solve(equations[0], wanted[0], dict=True) if single else s.solve(equations, wanted, dict=True)
    solutions = [{str(name): written(value) for name, value in each.items()} for each in found]
    return {"solutions": solutions, "count": len(solutions)}


OPERATIONS: dict[str, Callable[[Request], Answer]] = {
    "simplify": lambda request: written(s.simplify(of(request))),
    "expand": lambda request: written(s.expand(of(request))),
    "factor": lambda request: written(s.factor(of(request))),
    "differentiate": differentiate,
    "integrate": integrate,
    "limit": limit,
    "series": series,
    "substitute": substitute,
    "evaluate": evaluate,
    "solve": solve,
}

if __name__ == "__main__":
    main()

"""Tool definitions at random, edits of one field of them, and other spellings of the same JSON value. Its own notion of what is the
same: members without order, numbers by the double they are (RFC 8785), everything else exactly.

Numbers stand as Number, which keeps the text they are written as."""

import copy
import json
import math
import random
from decimal import Decimal

CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789 _-./:,;'\"\\\n\téüßøłдж中文日本語한🙂👩‍🔬\u200b\u200d\u202e\u2028\ufeff\u00a0\u0000\u001f\ue000\U000e0041"
VERBS = ["read", "write", "list", "delete", "create", "search", "get", "update"]
NOUNS = ["file", "record", "branch", "issue", "table", "event", "message", "page"]


class Number:
    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


def parse(text):
    return json.loads(text, parse_int=Number, parse_float=Number)


def same(a, b):
    """Whether two parsed values are the same JSON value."""
    if isinstance(a, Number) and isinstance(b, Number):
        return float(a.text) == float(b.text)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    return type(a) is type(b) and a == b


# --- definitions ---------------------------------------------------------------------------------------------------------


def text(rng, longest=60):
    if rng.random() < 0.5:
        return " ".join(rng.choice(VERBS + NOUNS) for _ in range(rng.randint(1, 8)))
    return "".join(rng.choice(CHARACTERS) for _ in range(rng.randint(0, longest)))


def number(rng):
    kind = rng.randint(0, 6)
    if kind == 0:
        return Number(str(rng.randint(-20, 200)))
    if kind == 1:
        return Number(str(rng.choice([0, 1, -1, 2**31, 2**53 - 1, 2**53, 2**53 + 1, -2**63, 10**21, 10**22, 2**64])))
    if kind == 2:
        return Number(repr(rng.uniform(-1000, 1000)))
    if kind == 3:
        return Number(repr(rng.uniform(1, 10) * 10.0 ** rng.randint(-300, 300)))
    if kind == 4:
        return Number(rng.choice(["0.1", "1.0", "1e3", "2.50", "-0.0", "1E-7", "5e-324", "1.7976931348623157e308"]))
    if kind == 5:
        return Number(str(rng.randint(-10**25, 10**25)))
    return Number(str(rng.randint(0, 2**53)))


def value(rng, depth):
    kind = rng.randint(0, 7 if depth > 0 else 4)
    if kind == 0:
        return rng.random() < 0.5
    if kind == 1:
        return None
    if kind in (2, 3):
        return text(rng)
    if kind == 4:
        return number(rng)
    if kind in (5, 6):
        return {text(rng, 12): value(rng, depth - 1) for _ in range(rng.randint(0, 4))}
    return [value(rng, depth - 1) for _ in range(rng.randint(0, 4))]


def schema(rng, depth):
    kinds = ["string", "number", "integer", "boolean", "null"] + (["object", "array"] * 2 if depth > 0 else [])
    kind = rng.choice(kinds)
    out = {"type": kind if rng.random() < 0.9 else [kind, "null"]}
    if rng.random() < 0.7:
        out["description"] = text(rng)
    if rng.random() < 0.2:
        out["default"] = value(rng, 1)
    if rng.random() < 0.2:
        out["enum"] = [value(rng, 0) for _ in range(rng.randint(1, 4))]
    if kind in ("number", "integer"):
        out["minimum"] = number(rng)
        out["maximum"] = number(rng)
    if kind == "string" and rng.random() < 0.4:
        out["pattern"] = text(rng, 20)
        out["maxLength"] = number(rng)
    if kind == "object":
        names = [text(rng, 10) for _ in range(rng.randint(0, 4))]
        out["properties"] = {name: schema(rng, depth - 1) for name in names}
        out["required"] = [name for name in out["properties"] if rng.random() < 0.5]
        out["additionalProperties"] = rng.choice([True, False, {"type": "string"}])
    if kind == "array":
        out["items"] = schema(rng, depth - 1)
    if rng.random() < 0.1:
        out["x-" + text(rng, 5)] = value(rng, 2)
    return out


def definition(rng):
    out = {"name": f"{rng.choice(VERBS)}_{rng.choice(NOUNS)}", "description": text(rng, 300),
           "inputSchema": {"type": "object", "properties": {text(rng, 10): schema(rng, 3) for _ in range(rng.randint(0, 4))}}}
    if rng.random() < 0.5:
        out["title"] = text(rng)
    if rng.random() < 0.7:
        hints = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"]
        out["annotations"] = {hint: rng.random() < 0.5 for hint in hints if rng.random() < 0.7}
        out["annotations"]["title"] = text(rng)
    if rng.random() < 0.4:
        out["outputSchema"] = schema(rng, 2)
    if rng.random() < 0.3:
        out["_meta"] = value(rng, 3)
    if rng.random() < 0.3:
        out["icons"] = [{"src": text(rng), "sizes": [text(rng, 6)]}]
    if rng.random() < 0.3:
        out["x_unknown"] = value(rng, 3)
    return out


# --- edits ---------------------------------------------------------------------------------------------------------------


def places(node, path=()):
    """Paths of all values, but of the tool's name: another name is another tool."""
    yield path
    if isinstance(node, dict):
        for key in node:
            if path or key != "name":
                yield from places(node[key], path + (key,))
    elif isinstance(node, list):
        for index, item in enumerate(node):
            yield from places(item, path + (index,))


def at(node, path):
    for step in path:
        node = node[step]
    return node


def edited_text(rng, old):
    place = rng.randint(0, len(old))
    insert = rng.choice(list(CHARACTERS) + [" ", "  ", "\u200b", "\u00a0", "\u0301", "\U000e0061"])
    choices = [old[:place] + insert + old[place:], old[:place] + insert + old[place + 1:], old[:place] + old[place + 1:],
               old.swapcase(), old + " ", " " + old, old.replace(" ", "  ", 1), old.replace(" ", "\u00a0", 1), ""]
    return rng.choice(choices)


def edited_number(rng, old):
    exact = Decimal(old.text)
    texts = [str(exact + 1), str(exact - 1), str(-exact), str(exact * 2), str(exact / 3), repr(rng.random())]
    return Number(rng.choice([text for text in texts if math.isfinite(float(text))]))  # the gateway takes no others


def edited_scalar(rng, old):
    if rng.random() < 0.2:  # of another type
        return rng.choice([None, True, False, "", "true", "null", "0", Number("0"), Number("1"), [], {}, [old], str(old)])
    if isinstance(old, bool):
        return not old
    if old is None:
        return rng.choice([False, Number("0"), "", [], {}])
    if isinstance(old, Number):
        return edited_number(rng, old)
    return edited_text(rng, old)


def edited_object(rng, old, root):
    new = dict(old)
    keys = [key for key in new if not (root and key == "name")]
    kind = rng.randint(0, 2)
    if kind == 0 or not keys:
        new[text(rng, 10)] = value(rng, 1)
    elif kind == 1:
        del new[rng.choice(keys)]
    else:
        key = rng.choice(keys)
        new[edited_text(rng, key)] = new.pop(key)
    return new


def edited_array(rng, old):
    new = list(old)
    kind = rng.randint(0, 3)
    if kind == 0 or not new:
        new.insert(rng.randint(0, len(new)), value(rng, 1))
    elif kind == 1:
        del new[rng.randrange(len(new))]
    elif kind == 2:
        new.insert(0, new.pop(rng.randrange(len(new))))
    else:
        new.append(copy.deepcopy(rng.choice(new)))
    return new


def edit(rng, original):
    """(path, an edited copy) in which exactly the value at the path is another one."""
    while True:
        path = rng.choice(list(places(original)))
        old = at(original, path)
        if isinstance(old, dict):
            new = edited_object(rng, old, root=not path)
        elif isinstance(old, list):
            new = edited_array(rng, old)
        else:
            new = edited_scalar(rng, old)
        if not path:
            changed = new
        else:
            changed = copy.deepcopy(original)
            at(changed, path[:-1])[path[-1]] = new
        # Through a text, so that what is compared is what is sent; and a name that stays one.
        sent = parse(plain(changed))
        if sent.get("name") == original["name"] and not same(sent, original):
            return path, sent


# --- spellings -----------------------------------------------------------------------------------------------------------


def plain(node):
    if isinstance(node, Number):
        return node.text
    if isinstance(node, dict):
        return "{" + ",".join(json.dumps(key) + ":" + plain(item) for key, item in node.items()) + "}"
    if isinstance(node, list):
        return "[" + ",".join(plain(item) for item in node) + "]"
    return json.dumps(node)


def decimal_spellings(exact):
    """Ways to write one decimal number."""
    sign, digits, exponent = exact.as_tuple()
    whole = "".join(map(str, digits)).lstrip("0") or "0"
    minus = "-" if sign else ""
    yield f"{minus}{whole}e{exponent}"
    yield f"{minus}{whole}E{exponent:+d}"
    yield f"{minus}{whole[0]}.{whole[1:]}0e{exponent + len(whole) - 1}"
    yield f"{minus}{whole}000e{exponent - 3}"
    if abs(exponent) < 400:
        fixed = format(exact, "f")
        yield fixed
        yield fixed + ("00" if "." in fixed else ".0")


def number_spellings(written):
    """Ways to write the double a number is. A whole number that no double is keeps its digits: it is another one for readers that
    have whole numbers."""
    double = float(written)
    exact = Decimal(written)
    if exact == 0:
        return ["0", "-0", "0.0", "-0.0", "0e5", "0E-3"]
    spellings = list(decimal_spellings(exact))
    lossy = exact == exact.to_integral_value() and exact not in (Decimal(double), Decimal(repr(double)))
    if not lossy:
        spellings += decimal_spellings(Decimal(repr(double)))
        if abs(double) >= 1:  # all the digits it has
            spellings += decimal_spellings(Decimal(double))
    return [one for one in spellings if float(one) == double]


def spelled_number(rng, written):
    return rng.choice(number_spellings(written))


def spelled_text(rng, content):
    out = '"'
    for character in content:
        code = ord(character)
        short = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
        units = [code] if code < 0x10000 else [0xD800 + ((code - 0x10000) >> 10), 0xDC00 + ((code - 0x10000) & 0x3FF)]
        escape = "".join(f"\\u{unit:04x}" if rng.random() < 0.5 else f"\\u{unit:04X}" for unit in units)
        must = code < 0x20 or character in '"\\'
        forms = [escape] + ([short] if short else []) + ([] if must else [character] * 4)
        out += rng.choice(forms)
    return out + '"'


def spelled(rng, node):
    """Another text of the same value."""
    def space():
        return "".join(rng.choice(" \t\n\r") for _ in range(rng.choice([0, 0, 0, 1, 3])))

    def spell(item):
        if isinstance(item, Number):
            return spelled_number(rng, item.text)
        if isinstance(item, str):
            return spelled_text(rng, item)
        if isinstance(item, dict):
            members = list(item.items())
            rng.shuffle(members)
            inside = ",".join(space() + spelled_text(rng, key) + space() + ":" + space() + spell(one) + space() for key, one in members)
            return "{" + (inside or space()) + "}"
        if isinstance(item, list):
            return "[" + (",".join(space() + spell(one) + space() for one in item) or space()) + "]"
        return json.dumps(item)

    return space() + spell(node) + space()


def generator(seed):
    return random.Random(seed)

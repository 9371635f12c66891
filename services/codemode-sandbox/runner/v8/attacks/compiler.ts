//# text that is hard to parse
//! ends: type, error, ok, timeout, memory, killed
//! each: parens | arrays | plus | templates | conditionals | generics | unions | objects | unary | calls | arrows | comments | identifiers | strings | regexps | spreads | optional | jsx | unicode | types
//! generate: $$

"""How the second banks write their rows: as a call, or as a decorator of the answer."""


def adder(rows, number):
    """Add a row to a list: so many things about the answer, and the answer.

    Examples
    --------
    >>> rows = []
    >>> wrong = adder(rows, 2)
    >>> wrong("0.1", "a number", 7)
    7
    >>> @wrong("0.1", "a function")
    ... def _(x):
    ...     return x
    >>> [(id, what) for id, what, _ in rows]
    [('0.1', 'a number'), ('0.1', 'a function')]
    """
    def add(*given):
        def keep(answer):
            rows.append((*given[:number], answer))
            return answer
        return keep(given[number]) if len(given) > number else keep
    return add

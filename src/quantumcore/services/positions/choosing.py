"""How an owner's choice of lots is read and shown. Pure."""

from quantumcore.contracts.errors import invalid
from quantumcore.contracts.positions import LotMethod, SetLotMethod
from quantumcore.contracts.values import packed_id, unpacked_id
from quantumcore.services.positions.domain import Terms
from quantumcore.services.positions.lots import METHODS, FillId, Method

MAX_CHOSEN = 100
MAX_CHOICES = 100_000
"""Of the whole room: they are in memory, and every fold asks them."""
MAX_ACCOUNT = 2**32 - 1


def terms_of(request: SetLotMethod, shard: int) -> Terms:
    """Return the terms that a request asks for.

    Raises:
        InvalidCommand: `field` says what is wrong.
    """
    if not 1 <= request.account <= MAX_ACCOUNT:
        raise invalid(
            "range",
            f"account is 1 to {MAX_ACCOUNT}",
            field="account",
            limit=str(MAX_ACCOUNT),
            actual=str(request.account),
        )
    method = METHODS.get(request.method)
    if method is None:
        names = ", ".join(METHODS)
        raise invalid("range", f"method must be one of {names}", field="method", actual=request.method[:64])
    if request.wash_sales and method is Method.AVERAGE:
        raise invalid("range", "an average has no lots to wash", field="wash_sales")
    if request.chosen and method is not Method.SPECIFIC:
        raise invalid("range", "lots are chosen with the method specific only", field="chosen")
    if len(request.chosen) > MAX_CHOSEN:
        bound = str(MAX_CHOSEN)
        raise invalid("range", f"at most {bound} lots", field="chosen", limit=bound, actual=str(len(request.chosen)))
    return Terms(method, request.wash_sales, tuple(_fill_id(text, shard) for text in request.chosen))


def _fill_id(text: str, shard: int) -> FillId:
    parts = unpacked_id(text)
    if parts is None or parts[0] != shard or parts[3] != 0:
        raise invalid("range", "chosen names trades by their ids", field="chosen", actual=text[:64])
    return parts[1], parts[2]


def shown_terms(account: int, symbol: str, terms: Terms, sequence: int, shard: int) -> LotMethod:
    """Return terms as they are shown."""
    ids = [packed_id(shard, *fill, 0) for fill in terms.chosen]
    return LotMethod(str(account), symbol, terms.method.text, terms.wash_sales, ids, sequence)

"""Operations of the grants resource."""

from .._operation import Operation, Repeat, nothing, page_of
from ..models import AuthorizationCode, ReferenceToken, RefreshToken, UserClientGrants, UserConsent

_GRANTS = "/users/{user_id}/grants"
_CLIENTS = f"{_GRANTS}/clients"
_CONSENTS = f"{_GRANTS}/consents"
_REFERENCE_TOKENS = f"{_GRANTS}/reference_tokens"
_REFRESH_TOKENS = f"{_GRANTS}/refresh_tokens"
_CODES = f"{_GRANTS}/codes"

LIST_CLIENT_GRANTS = Operation(
    "grants.list_client_grants", "GET", _CLIENTS, page_of(UserClientGrants)
)
LIST_CONSENTS = Operation("grants.list_consents", "GET", _CONSENTS, page_of(UserConsent))
LIST_REFERENCE_TOKENS = Operation(
    "grants.list_reference_tokens", "GET", _REFERENCE_TOKENS, page_of(ReferenceToken)
)
LIST_REFRESH_TOKENS = Operation(
    "grants.list_refresh_tokens", "GET", _REFRESH_TOKENS, page_of(RefreshToken)
)
LIST_AUTHORIZATION_CODES = Operation(
    "grants.list_authorization_codes", "GET", _CODES, page_of(AuthorizationCode)
)
REVOKE_CLIENT_GRANTS = Operation(
    "grants.revoke_client_grants", "DELETE", f"{_CLIENTS}/{{client_id}}", nothing, Repeat.GONE
)
REVOKE_CONSENT = Operation(
    "grants.revoke_consent", "DELETE", f"{_CONSENTS}/{{consent_id}}", nothing, Repeat.GONE
)
REVOKE_REFERENCE_TOKEN = Operation(
    "grants.revoke_reference_token",
    "DELETE",
    f"{_REFERENCE_TOKENS}/{{token_id}}",
    nothing,
    Repeat.GONE,
)
REVOKE_REFRESH_TOKEN = Operation(
    "grants.revoke_refresh_token",
    "DELETE",
    f"{_REFRESH_TOKENS}/{{token_id}}",
    nothing,
    Repeat.GONE,
)
REVOKE_AUTHORIZATION_CODE = Operation(
    "grants.revoke_authorization_code", "DELETE", f"{_CODES}/{{code_id}}", nothing, Repeat.GONE
)

"""MonoCloud's Users API for asyncio."""

from ._problem import IdentityFinding
from ._version import __version__
from .client import MonoCloudClient
from .errors import (
    APIError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    ForbiddenError,
    IdentityValidationError,
    InvalidArgumentError,
    InvalidRecordError,
    KeyValidationError,
    MonoCloudError,
    NotFoundError,
    PaymentRequiredError,
    RateLimitedError,
    RequestTimeoutError,
    ResponseDecodeError,
    ServerError,
    TransportError,
    UnauthorizedError,
    UnprocessableError,
)
from .models import (
    User,
    UserConnection,
    UserEmail,
    UserExternalProvider,
    UserIdp,
    UserPasskey,
    UserPhone,
    UserUsername,
)
from .response import Headers, Response
from .retry import RetryPolicy

__all__ = [
    "APIError",
    "BadRequestError",
    "ConfigurationError",
    "ConflictError",
    "ForbiddenError",
    "Headers",
    "IdentityFinding",
    "IdentityValidationError",
    "InvalidArgumentError",
    "InvalidRecordError",
    "KeyValidationError",
    "MonoCloudClient",
    "MonoCloudError",
    "NotFoundError",
    "PaymentRequiredError",
    "RateLimitedError",
    "RequestTimeoutError",
    "Response",
    "ResponseDecodeError",
    "RetryPolicy",
    "ServerError",
    "TransportError",
    "UnauthorizedError",
    "UnprocessableError",
    "User",
    "UserConnection",
    "UserEmail",
    "UserExternalProvider",
    "UserIdp",
    "UserPasskey",
    "UserPhone",
    "UserUsername",
    "__version__",
]

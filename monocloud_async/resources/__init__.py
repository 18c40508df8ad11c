"""The operations of the API, a class for each part of it."""

from .phones import PhonesResource
from .users import UsersResource

__all__ = ["PhonesResource", "UsersResource"]

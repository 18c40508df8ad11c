"""Sets a phone as primary, on the emulator in the container beside this one."""

from monocloud_async.emulator import PHONE_ID, USER_ID
from monocloud_sync import MonoCloudClient


def main() -> None:
    """Set the phone, and print it."""
    # Containers of one network talk plain HTTP, by names that are not this machine's.
    with MonoCloudClient(allow_insecure_http=True) as client:
        user = client.phones.set_primary(USER_ID, PHONE_ID)
        phone = user.primary_phone
        print(f"The primary phone of {user.user_id} is {phone.phone if phone else 'gone'}.")


if __name__ == "__main__":
    main()

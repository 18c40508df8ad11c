"""The emulator's page for a browser: users, live requests, faults, and the forms that change them.

routes.py dispatches requests, and guard.py refuses other machines and other web pages. page.py
assembles the sections: request_rows.py and request_details.py, fault_list.py and
fault_form.py, user_list.py, group_list.py and settings_forms.py. actions.py carries out the forms,
which form_data.py reads. live_updates.py streams new requests as Server-Sent Events. markup.py
escapes everything, and assets.py serves the files in assets/.
"""

from .routes import Dashboard

__all__ = ["Dashboard"]

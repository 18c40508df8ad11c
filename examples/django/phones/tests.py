"""Test the view and the command against the emulator, with `manage.py test`."""

import io
import tempfile
from pathlib import Path

from django.core.management import CommandError, call_command
from django.test import SimpleTestCase, override_settings

from monocloud_sync.emulator import PHONE_ID, USER_ID, Emulator, Fault

from .monocloud import monocloud

URL = f"/users/{USER_ID}/primary-phone/{PHONE_ID}"


class EmulatorTestCase(SimpleTestCase):
    """Give each test a fresh emulator and a client of it."""

    def setUp(self) -> None:
        self.emulator = Emulator()
        self.emulator.start()
        self.addCleanup(self.emulator.close)
        tenant = override_settings(
            MONOCLOUD_DOMAIN=self.emulator.url, MONOCLOUD_API_KEY=self.emulator.api_key
        )
        tenant.enable()
        self.addCleanup(tenant.disable)
        # The next client is created from these settings, and no client outlives its test.
        monocloud.cache_clear()
        self.addCleanup(lambda: monocloud().close())


class ViewTests(EmulatorTestCase):
    """Test the view."""

    def test_the_phone_becomes_primary(self) -> None:
        response = self.client.post(URL)
        self.assertEqual(
            (response.status_code, response.json()), (200, {"primary": "+441632960961"})
        )
        self.assertEqual(self.emulator.user(USER_ID).primary_phone.id, PHONE_ID)

    def test_errors_become_responses(self) -> None:
        self.assertEqual(self.client.post(f"/users/{USER_ID}/primary-phone/nope").status_code, 404)
        self.emulator.faults.add(Fault(status=429, headers={"Retry-After": "30"}, times=1))
        busy = self.client.post(URL)
        self.assertEqual((busy.status_code, busy.headers["Retry-After"]), (503, "30"))
        self.emulator.faults.add(Fault(status=401))
        with self.assertLogs("phones.errors", "ERROR") as logged:
            self.assertEqual(self.client.post(URL).status_code, 502)
        self.assertNotIn(self.emulator.api_key, "".join(logged.output))
        self.assertEqual(self.emulator.counts.requests, 3)


class CommandTests(EmulatorTestCase):
    """Test the management command."""

    def run_with(self, *rows: str) -> str:
        self.output = io.StringIO()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "rows.csv")
            path.write_text("\n".join(["user_id,phone", *rows]))
            call_command("set_primary_phones", path, stdout=self.output, stderr=self.output)
        return self.output.getvalue()

    def test_a_file_of_numbers(self) -> None:
        self.emulator.faults.add(Fault(connection="reset", executed=True, times=1))
        self.assertIn("1 done, 0 failed", self.run_with(f"{USER_ID},+44 1632 960961"))
        self.assertEqual(self.emulator.user(USER_ID).primary_phone.id, PHONE_ID)

    def test_a_row_that_fails(self) -> None:
        with self.assertRaises(CommandError):
            self.run_with(f"{USER_ID},+44 1632 960961", "nobody,+44 1632 960961")
        self.assertIn("row 2: ", self.output.getvalue())
        self.assertEqual(self.emulator.executions, 1)

"""Make phones primary from a CSV file with the columns user_id and phone."""

import csv
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from monocloud_sync import RetryPolicy
from phones.monocloud import monocloud


class Command(BaseCommand):
    """For each row, make the phone with that number the user's primary one."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Accept the file as an argument."""
        parser.add_argument("file", type=Path)

    def handle(self, *_: Any, file: Path, **__: Any) -> None:
        """Print a line for each row that failed, and exit with an error if there were any."""
        # No visitor waits, so use a batch's timeouts, on the connections of the process's client.
        client = monocloud().with_options(timeout=10.0, retry=RetryPolicy())
        done = failed = 0
        with file.open(newline="") as lines:
            rows = ((row["user_id"], row["phone"]) for row in csv.DictReader(lines))
            for outcome in client.phones.set_primary_many(rows, by="number"):
                if outcome.error:
                    failed += 1
                    self.stderr.write(f"row {outcome.index + 1}: {outcome.error}")
                else:
                    done += 1
        self.stdout.write(f"{done} done, {failed} failed")
        if failed:
            raise CommandError("Some rows failed: correct them, and run the file again")

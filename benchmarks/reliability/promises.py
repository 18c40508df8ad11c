"""What the SDK promises, the tests that prove it, and the trials that measure it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import attrs

from . import answers, hosts, trust, waits
from .bench import Trial
from .contenders import CONTENDERS
from .faults import OUTAGE, Comparison, in_all
from .run import ADD, SET_PRIMARY, Figures

Tried = Callable[[int], Awaitable[Trial]]


@attrs.frozen(eq=False)
class Promise:
    """One promise.

    Attributes:
        text: the promise.
        tests: the tests that prove it, each as ``file::test``, relative to the folder ``tests``.
        trial: the trial that measures it; None if only the tests prove it.
        of_faults: derives the result from the faults, in place of a trial.
        slow: whether the trial takes seconds.
    """

    text: str
    tests: Sequence[str]
    trial: Tried | None = None
    of_faults: Callable[[list[Comparison]], Trial] | None = None
    slow: bool = False


def _sums(
    operation: str | None, told: Callable[[Figures], str], *, but: str | None = None
) -> Callable[[list[Comparison]], Trial]:
    def trial(comparisons: list[Comparison]) -> Trial:
        sums = in_all([one for one in comparisons if one.fault != but], operation)
        tried = next(iter(sums.values()))
        figures = {name: told(of_one) for name, of_one in sums.items()}
        return Trial(f"{tried.faults:,} faults, {tried.calls:,} calls", figures)

    return trial


def _truth(figures: Figures) -> str:
    return f"{figures.lost:,} lost, {figures.unreported:,} unreported"


def _repeats(figures: Figures) -> str:
    return f"{figures.given_up:,} given up"


def _twice(figures: Figures) -> str:
    return f"{figures.twice:,} sent twice"


def _key(figures: Figures) -> str:
    return f"{figures.shown:,} of {figures.errors:,} errors"


_INTERRUPTS = (
    "test_host_interrupts.py::test_interrupts_at_any_point_leave_no_task_slot_or_thread_behind"
)
PROMISES: Sequence[Promise] = (
    Promise(
        "A success means that the change was applied, and an error says so if it may have been",
        ("test_retry_wire.py::test_each_failure_is_retried_only_if_that_is_safe",),
        of_faults=_sums(None, _truth),
    ),
    Promise(
        "Calls that are safe to repeat are retried, within the retry quota",
        ("test_retry_wire.py::test_each_status_is_retried_only_if_that_is_safe",),
        of_faults=_sums(SET_PRIMARY, _repeats, but=OUTAGE),
    ),
    Promise(
        "`add` is never sent again if it may have been applied",
        ("test_retry_wire.py::test_adding_happens_at_most_once_whatever_fails",),
        of_faults=_sums(ADD, _twice),
    ),
    Promise(
        "Errors that a retry cannot fix are not retried",
        ("test_retry_wire.py::test_each_status_is_retried_only_if_that_is_safe",),
        waits.refusals,
    ),
    Promise(
        "A success with an unreadable response is not resent; the error says that it was applied",
        ("test_hostile.py::test_an_unreadable_success_counts_as_applied_and_is_never_sent_again",),
    ),
    Promise(
        "If the server sends `Retry-After: 1`, the client waits at least that long",
        ("test_retry_wire.py::test_waits_are_never_shorter_than_the_server_asks",),
        waits.retry_after,
        slow=True,
    ),
    Promise(
        "A meaningless `Retry-After` (`soon`, `-1`, `nan`, …) does not make a call fail",
        ("test_retry_wire.py::test_retry_after_is_obeyed_in_every_form",),
        waits.junk_retry_after,
        slow=True,
    ),
    Promise(
        "The deadline (0.5 s here) covers the whole call, including waits and queueing",
        (
            "test_wire.py::test_the_deadline_covers_the_whole_call",
            "test_pool.py::test_the_deadline_holds_for_each_of_many_waiting_calls",
        ),
        waits.deadline,
    ),
    Promise(
        "An outage does not cause a retry storm",
        (
            "test_retry_wire.py::test_an_outage_of_a_thousand_calls_causes_no_retry_storm",
            "test_retry_wire.py::test_the_quota_belongs_to_the_client_and_refills_after_an_outage",
        ),
        waits.storm,
        slow=True,
    ),
    Promise(
        "The timeout (0.3 s here) covers the whole response, including its body",
        (
            "test_wire.py::test_the_attempt_timeout_includes_the_body",
            "test_hostile.py::test_the_timeout_ends_a_dripping_body",
        ),
        waits.timeout,
        slow=True,
    ),
    Promise(
        "Time spent waiting for a free connection does not count towards the timeout",
        ("test_pool.py::test_waiting_for_a_connection_does_not_count_towards_the_timeout",),
        waits.slots,
        slow=True,
    ),
    Promise(
        "If an idle connection breaks, the next call neither fails nor takes longer",
        (
            "test_pool.py::test_an_idle_connection_that_was_closed_costs_nothing",
            "test_pool.py::test_twenty_idle_connections_that_were_closed_cost_nothing",
        ),
        waits.stale,
    ),
    Promise(
        "A cancelled call leaves no connection, slot or task behind",
        (
            "test_pool.py::test_a_call_cancelled_at_any_point_leaves_nothing_behind",
            "test_pool.py::test_a_wait_for_a_slot_cancelled_at_any_point_passes_the_slot_on",
        ),
    ),
    Promise(
        "An id is exactly one segment of the path, or the call is rejected before anything is sent",
        (
            "test_address.py::test_an_id_is_exactly_one_segment_or_refused",
            "test_wire.py::test_an_id_arrives_as_one_segment",
        ),
        trust.addresses,
    ),
    Promise(
        "The key goes to the host that the domain names, over TLS",
        (
            "test_address.py::test_a_domain_never_leads_to_another_host",
            "test_trust.py::test_the_tenant_is_addressed_by_name_and_must_prove_its_identity",
            "test_trust.py::test_a_server_without_tls_never_sees_the_key",
        ),
    ),
    Promise(
        "The key does not follow a redirect to another server",
        ("test_trust.py::test_a_redirect_to_another_server_is_not_followed",),
        trust.redirects,
    ),
    Promise(
        "A password in `.netrc` is not sent",
        ("test_trust.py::test_credentials_in_a_netrc_are_not_sent",),
        trust.netrc,
    ),
    Promise(
        "Cookies are not stored",
        ("test_wire.py::test_cookies_are_not_kept",),
        trust.cookies,
    ),
    Promise(
        "Proxies from the environment are used, and never see the key",
        (
            "test_trust.py::test_the_key_is_encrypted_through_a_proxy_of_the_environment",
            "test_trust.py::test_no_proxy_is_honoured",
        ),
    ),
    Promise(
        "A server with an untrusted certificate receives no request",
        ("test_trust.py::test_an_untrusted_certificate_is_reported_and_not_retried",),
    ),
    Promise(
        "No error shows the key, not even in a traceback with local variables",
        (
            "test_secrets.py::test_the_error_of_a_call_does_not_show_the_key",
            "test_secrets.py::test_the_error_of_a_blocking_call_does_not_show_the_key",
        ),
        of_faults=_sums(None, _key),
    ),
    Promise(
        "No log shows the key, and neither does a client or any object reachable from it",
        (
            "test_secrets.py::test_no_logger_receives_the_key",
            "test_secrets.py::test_nothing_reachable_from_a_client_shows_the_key",
        ),
    ),
    Promise(
        "A response that decompresses to 256 MiB does not fill the memory",
        ("test_hostile.py::test_a_flood_does_not_fill_memory",),
        answers.flood,
        slow=True,
    ),
    Promise(
        "A record holds what the server sent, or an error gives the JSON path; nothing is coerced",
        (
            "test_mutations.py::test_each_member_is_tried_with_every_other_type",
            "test_models.py::test_missing_and_null_members_are_told_apart",
        ),
        answers.records,
    ),
    Promise(
        "One client works in several event loops, one after another or at the same time",
        (
            "test_loops.py::test_one_client_works_in_one_loop_after_another",
            "test_loops.py::test_one_client_works_in_several_loops_at_once",
        ),
        hosts.loops,
    ),
    Promise(
        "A client created before a fork works in the parent and in the child",
        (
            "test_host_fork.py::test_a_client_survives_a_fork_before_or_after_its_first_call",
            "test_host_servers.py::test_gunicorn_workers_use_a_preloaded_client",
            "test_host_servers.py::test_celery_children_work_with_a_used_client",
        ),
    ),
    Promise(
        "A child process that exits does not affect the parent's connections",
        ("test_host_fork.py::test_children_that_only_exit_leave_the_parent_s_connection_alone",),
    ),
    Promise(
        "Both clients work in notebooks and while an event loop is running",
        (
            "test_host_notebook.py::test_both_clients_work_in_cells",
            "test_sync.py::test_blocking_calls_work_while_a_loop_runs",
        ),
    ),
    Promise(
        "Ctrl-C ends a blocking call at any point",
        (_INTERRUPTS,),
    ),
    Promise(
        "A program exits silently and at once, whether or not its clients are closed",
        ("test_host_exit.py::test_a_program_ends_silently_with_or_without_close",),
    ),
    Promise(
        "A bulk run loses no rows to faults, to a rate limit or to an outage of one second",
        (
            "test_bulk.py::test_no_row_is_lost_under_faults_and_a_rate_limit",
            "test_bulk.py::test_a_run_with_few_workers_survives_an_outage_of_one_second",
            "test_bulk.py::test_the_last_rows_survive_an_outage_of_one_second",
        ),
    ),
    Promise(
        "A batch that was killed resumes, and the last row of each user wins",
        ("test_batch_kills.py::test_a_batch_killed_ten_times_applies_every_row",),
    ),
    Promise(
        "The blocking client has the same methods, names and types as the async one",
        ("test_sync.py::test_each_async_method_has_a_blocking_twin",),
    ),
)


async def tried(
    comparisons: list[Comparison], calls: int, *, quick: bool
) -> Mapping[Promise, Trial]:
    """Return the result of each promise: dashes for a promise without a trial."""
    found: dict[Promise, Trial] = {}
    for promise in PROMISES:
        if promise.of_faults is not None:
            found[promise] = promise.of_faults(comparisons)
        elif promise.trial is not None and not (quick and promise.slow):
            found[promise] = await promise.trial(calls)
        else:
            found[promise] = Trial("–", dict.fromkeys(CONTENDERS, "–"))
    return found

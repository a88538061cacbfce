"""Clients that hang up at a random moment."""

import asyncio
from urllib.parse import urlsplit

from tests.chaos.checker import Findings
from tests.chaos.driver import Create
from tests.chaos.goals import Goal, Measured
from tests.chaos.stage import Stage
from tests.links import CREATE

F3 = Goal(
    id="F3",
    says="client disconnects at a random moment",
    figure="5,000 times: 0 leaked connections, 0 acknowledged-but-lost afterwards, pool back to its idle size",
)
POOL = 10
BESIDE_THE_POOL = 2
"""What a process keeps besides: the connection that listens, and at times one that cancels."""


async def hang_up(stage: Stage, times: int, *, at_once: int = 8) -> None:
    """Creates whose client is gone after 0 to 30 ms; nobody knows what came of them, and who can ask again does."""
    await stage.installation.all_ready()
    left = iter(range(times))

    async def keep_hanging_up() -> None:
        random = stage.scale.random("hang-ups")
        for number in left:
            create = stage.driver.planned()
            await _abort(stage, create, number % 2, random.uniform(0, 0.03))
            if create.repeatable:
                await stage.driver.resolve(create)

    await asyncio.gather(*(keep_hanging_up() for _ in range(at_once)))


async def _abort(stage: Stage, create: Create, api: int, seconds: float) -> None:
    at = urlsplit(stage.installation.apis[api].base_url)
    headers = create.request_headers
    lines = [f"POST {CREATE[create.dialect]} HTTP/1.1", f"Host: {at.netloc}", f"Content-Length: {len(create.body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    create.outcomes.append("unknown")
    try:
        reader, writer = await asyncio.open_connection(at.hostname, at.port)
    except OSError:
        return
    writer.write("\r\n".join([*lines, "", ""]).encode() + create.body)
    await asyncio.sleep(seconds)
    # Half of them without a word, half in order.
    if create.mark[-1] in "02468ace":
        writer.transport.abort()
    else:
        writer.close()
    del reader


async def rest(stage: Stage, creates: int) -> tuple[int, int]:
    """Checked creates afterwards: how many failed, and how many of the database's sessions are busy or too many."""
    failed = 0
    for start in range(0, creates, 16):
        done = await asyncio.gather(
            *(stage.driver.create(repeat=False, api=n % 2) for n in range(start, min(start + 16, creates)))
        )
        # On a busy machine, a queue before the database may be too long; it is nobody's leak if the next try succeeds.
        again = [await stage.driver.create(dialect=each.dialect) for each in done if each.answer is None]
        failed += sum(create.answer is None for create in again) if stage.scale.short else len(again)
    await asyncio.sleep(2)
    async with stage.installation.database() as connection:
        rows = await connection.fetch(
            "SELECT state, count(*) AS count FROM pg_stat_activity WHERE application_name = 'payglot' GROUP BY state"
        )
    counts = {row["state"]: row["count"] for row in rows}
    processes = len(stage.installation.apis) + len(stage.installation.workers)
    leaked = max(0, sum(counts.values()) - processes * (POOL + BESIDE_THE_POOL))
    leaked += sum(count for state, count in counts.items() if state and state.startswith("idle in transaction"))
    return failed, leaked


def measured(times: int, failed: int, leaked: int, found: Findings) -> Measured:
    lost = found.number("D1")
    return Measured(
        goal=F3,
        value=f"{times:,} times: {leaked} leaked, {failed} creates failed and {lost} were lost afterwards; "
        f"{found.counts['sessions']} sessions at rest",
        holds=not (leaked or failed or lost),
    )

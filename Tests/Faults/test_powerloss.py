"""The preloaded library itself: what was synced is in the shadow, and nothing else."""

import os
import subprocess
import sys

import rounds


def survives(folder, program, ignored=""):
    """Runs a Python program in `data` under the library, killed at its end; returns what the disk holds, name to bytes."""
    data, shadow = folder / "data", folder / "shadow"
    data.mkdir(exist_ok=True)
    rounds.lay_shadow(data, shadow)
    environment = {
        **os.environ, "LD_PRELOAD": str(rounds.build_library(folder)), "POWERLOSS_ROOT": str(data.resolve()),
        "POWERLOSS_SHADOW": str(shadow.resolve()), "POWERLOSS_IGNORE": ignored,
    }
    prelude = "import os, signal\ndef sync_folder(path='.'):\n    d = os.open(path, os.O_RDONLY)\n    os.fsync(d)\n    os.close(d)\n"
    ended = subprocess.run(
        [sys.executable, "-c", prelude + program + "\nos.kill(os.getpid(), signal.SIGKILL)"], cwd=data, env=environment, timeout=30,
        capture_output=True, text=True)
    assert ended.returncode == -9, ended.stderr
    rounds.restore(data, shadow)
    return {str(path.relative_to(data)): path.read_bytes() for path in data.rglob("*") if path.is_file()}


def test_synced_writes_stay_and_others_go(tmp_path):
    assert survives(tmp_path, """
f = os.open('log', os.O_CREAT | os.O_WRONLY)
os.write(f, b'synced')
os.fdatasync(f)
os.write(f, b' not synced')
g = os.open('other', os.O_CREAT | os.O_WRONLY)
os.write(g, b'never synced')
""") == {"log": b"synced"}


def test_overwrites_and_truncation_wait_for_the_sync(tmp_path):
    assert survives(tmp_path, """
f = os.open('page', os.O_CREAT | os.O_RDWR)
os.pwrite(f, b'abcdef', 0)
os.fsync(f)
os.pwrite(f, b'XX', 2)
os.fsync(f)
os.pwrite(f, b'YY', 0)
os.ftruncate(f, 3)
""") == {"page": b"abXXef"}


def test_a_rename_waits_for_the_folders_sync(tmp_path):
    program = """
f = os.open('new', os.O_CREAT | os.O_WRONLY)
os.write(f, b'content')
os.fsync(f)
os.rename('new', 'name')
"""
    assert survives(tmp_path, program) == {"new": b"content"}
    (tmp_path / "data" / "new").unlink()
    assert survives(tmp_path, program + "sync_folder()") == {"name": b"content"}


def test_a_name_without_synced_bytes_is_an_empty_file(tmp_path):
    assert survives(tmp_path, """
f = os.open('named', os.O_CREAT | os.O_WRONLY)
os.write(f, b'bytes')
sync_folder()
""") == {"named": b""}


def test_a_removed_file_is_gone_once_its_folder_is_synced_and_its_number_starts_anew(tmp_path):
    assert survives(tmp_path, """
for number in range(5):
    f = os.open('file', os.O_CREAT | os.O_WRONLY)
    os.write(f, b'old' * 100)
    os.fsync(f)
    os.close(f)
    os.unlink('file')
    sync_folder()
f = os.open('file2', os.O_CREAT | os.O_WRONLY)
os.write(f, b'x')
sync_folder()
""") == {"file2": b""}


def test_an_ignored_sync_is_no_sync(tmp_path):
    program = """
os.mkdir('broker')
f = os.open('broker/log', os.O_CREAT | os.O_WRONLY)
os.write(f, b'x')
os.fsync(f)
g = os.open('kept', os.O_CREAT | os.O_WRONLY)
os.write(g, b'y')
os.fsync(g)
"""
    assert survives(tmp_path, program, ignored="/broker/") == {"kept": b"y"}

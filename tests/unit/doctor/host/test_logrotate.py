"""What is read in logrotate's configuration."""

from __future__ import annotations

from logstream.doctor.host.logrotate import Mode, entry_for, parse_logrotate

GLOBAL = """
# see "man logrotate" for details
weekly
rotate 4
create
include /etc/logrotate.d
"""
APP = """
/var/log/app/*.log
"/var/log/with space.log" {
\tcopytruncate
\trotate 7
\tcreate 0640 app adm
\tpostrotate
\t\tkill -HUP `cat /run/app.pid`
\t\trotate 99
\t\t# not an end }
\tendscript
}
/var/log/away.log { copytruncate
    olddir /srv/archive
}
/var/log/none.log {
    copytruncate
    rotate 0
}
"""


def test_each_file_has_the_mode_of_the_first_entry_that_names_it() -> None:
    last = ("/etc/logrotate.d/z", "/var/log/app/*.log /var/log/plain.log {\n}\n")
    entries = parse_logrotate([("/etc/logrotate.conf", GLOBAL), ("/etc/logrotate.d/app", APP), last])
    expected = {
        "/var/log/app/x.log": Mode("copytruncate", 7),
        "/var/log/with space.log": Mode("copytruncate", 7),
        "/var/log/away.log": Mode("copytruncate", 4, "/srv/archive"),
        "/var/log/none.log": Mode("copytruncate", 0),
        "/var/log/plain.log": Mode("create", 4),
    }
    for path, mode in expected.items():
        entry = entry_for(path, entries)
        assert entry is not None
        assert entry.mode == mode, path
    assert entry_for("/var/log/app/deep/x.log", entries) is None


def test_without_a_word_a_file_is_moved_and_nothing_kept() -> None:
    assert parse_logrotate([("a", "/x.log {\n}\n")])[0].mode == Mode("rename", 0)

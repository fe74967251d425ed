# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How to reach a PostgreSQL server and its backups. Private to oncall.recovery."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  host:
    description:
      - Name or address of the server, or the folder of its socket. Without it, as for all options
        of the connection, the variable of libpq counts, here E(PGHOST), and then libpq's default.
    type: str
  port:
    description:
      - Port of the server. Without it, E(PGPORT).
    type: int
  user:
    description:
      - Role to log in as. It has to be a superuser, or to have C(CREATEDB) and C(pg_signal_backend)
        and to be a member of the role that owns the database. Without it, E(PGUSER).
    type: str
  password:
    description:
      - Its password. It is passed to PostgreSQL's programs in their environment, so it is in no
        result, no log and no list of processes. Without it, E(PGPASSWORD), and then O(passfile).
    type: str
  passfile:
    description:
      - Path of a file with passwords, as libpq takes it. Without it, E(PGPASSFILE) or C(~/.pgpass).
    type: path
  service:
    description:
      - Name of a section in libpq's C(pg_service.conf), which has the rest of the connection.
        Without it, E(PGSERVICE).
    type: str
  sslmode:
    description:
      - Whether the connection is encrypted and the server's certificate is checked. Without it,
        E(PGSSLMODE).
    type: str
    choices:
      - disable
      - allow
      - prefer
      - require
      - verify-ca
      - verify-full
  sslrootcert:
    description:
      - Path of the certificate authority's certificates. Without it, E(PGSSLROOTCERT).
    type: path
  maintenance_database:
    description:
      - A database of the server to be connected to while another is created or renamed.
    type: str
    default: postgres
  bin_dir:
    description:
      - Folder of C(psql), C(pg_dump) and C(pg_restore), such as V(/usr/lib/postgresql/15/bin). They
        must not be older than the server. Without it, the search path.
    type: path
  timeout:
    description:
      - The longest that one program may take which reads or writes a whole database, in seconds.
    type: int
    default: 14400
  sources:
    description:
      - Where backups are.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - What the source is called. Without it, its path or command.
        type: str
      path:
        description:
          - Path of a folder. Files that C(pg_dump) wrote in its custom format and folders that it
            wrote in its directory format are backups, whatever they are called, and so are folders
            that C(pg_basebackup) wrote in its plain format. All else in it is left out.
        type: path
      list_command:
        description:
          - A command, as a list, that lists the backups behind it, for what is no folder. No shell
            sees it.
          - It prints JSON as C(rclone lsjson) does, or for each backup a line with its size in
            bytes, its time (seconds since 1970, or ISO 8601 with a time zone) and its name, as
            C(find -printf '%s %T@ %P\n') does.
        type: list
        elements: str
      fetch_command:
        description:
          - A command, as a list, that writes one backup to its output. V({name}) in it becomes the
            name of the backup, and V({quoted_name}) the name as a shell needs it, for commands such
            as C(ssh) that have their arguments read by one. No shell of this machine sees it.
          - It writes a dump in custom format, or a tar archive of one in directory format.
        type: list
        elements: str
      wal_path:
        description:
          - Path of the folder that the server archives its WAL in. With it, the base backups in
            O(sources[].path) can be brought to any moment since they were made.
        type: path
      restore_command:
        description:
          - A shell command that brings WAL from elsewhere, as PostgreSQL's setting of this name,
            such as V(wal-g wal-fetch %f %p), in the place of O(sources[].wal_path).
        type: str
requirements:
  - python >= 3.10
  - psql, pg_dump and pg_restore of PostgreSQL >= 12
notes:
  - The time of a backup is the one that C(pg_dump) has put in it. That has no time zone, so it is
    taken for a time of the machine that this runs on, as C(pg_restore --list) does; dumps of a
    machine with another time zone need E(TZ) set to that.
"""

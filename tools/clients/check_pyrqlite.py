"""pyrqlite, unchanged, against a running cluster: argv has host, port, user and password."""

import sys

import pyrqlite.dbapi2 as dbapi

host, port, user, password = sys.argv[1:5]
connection = dbapi.connect(scheme="https", host=host, port=int(port), user=user, password=password)
with connection.cursor() as cursor:
    cursor.execute("DROP TABLE IF EXISTS py_one")
    cursor.execute("CREATE TABLE py_one (id INTEGER PRIMARY KEY, name TEXT UNIQUE, data BLOB)")
    cursor.execute("INSERT INTO py_one(name) VALUES(?)", ("ada",))
    assert cursor.lastrowid == 1, cursor.lastrowid
    cursor.executemany("INSERT INTO py_one(name) VALUES(?)", seq_of_parameters=(("bob",), ("žofie",)))
    cursor.execute("INSERT INTO py_one(id, name, data) VALUES(?, ?, ?)", (2**63 - 2 - 2**33, "big", b"\x00\xff"))
    cursor.execute("SELECT id, name, data FROM py_one ORDER BY id")
    rows = [tuple(row.values()) if hasattr(row, "values") else tuple(row) for row in cursor.fetchall()]
    assert [row[:2] for row in rows[:3]] == [(1, "ada"), (2, "bob"), (3, "žofie")], rows
    assert rows[3] == (2**63 - 2 - 2**33, "big", b"\x00\xff"), rows[3]
    try:
        cursor.execute("INSERT INTO py_one(name) VALUES('ada')")
        raise SystemExit("a broken constraint was no error")
    except dbapi.Error as error:
        assert "UNIQUE constraint failed" in str(error), error
    cursor.execute("UPDATE py_one SET name = ? WHERE id = ?", ("eve", 1))
    assert cursor.rowcount == 1
    cursor.execute("DELETE FROM py_one WHERE name = 'eve'")
    assert cursor.rowcount == 1
print("pyrqlite: ok")

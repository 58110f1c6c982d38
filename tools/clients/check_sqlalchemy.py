"""sqlalchemy-rqlite, unchanged, against a running cluster: argv has host, port, user and password."""

import sys

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, String, Table
from sqlalchemy import create_engine, delete, exc, func, insert, select, text, update
from sqlalchemy.engine import URL

host, port, user, password = sys.argv[1:5]
url = URL.create("rqlite+pyrqlite", username=user, password=password, host=host, port=int(port))
engine = create_engine(url, connect_args={"scheme": "https"})

largest = 2**63 - 2 - 2**33
metadata = MetaData()
people = Table(
    "alchemy_people",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(40), unique=True, nullable=False),
    Column("large", BigInteger),
    Column("data", LargeBinary),
)

with engine.begin() as connection:
    metadata.drop_all(connection)
    metadata.create_all(connection)
    made = connection.execute(insert(people).values(name="ada", large=largest, data=b"\x00\xff'"))
    assert made.inserted_primary_key == (1,), made.inserted_primary_key
    connection.execute(insert(people), [{"name": "bob"}, {"name": "žofie"}])
    connection.execute(text("INSERT INTO alchemy_people(name) VALUES (:name)"), {"name": "it's"})

with engine.connect() as connection:
    rows = connection.execute(select(people).order_by(people.c.id)).all()
    assert rows[0] == (1, "ada", largest, b"\x00\xff'"), rows[0]
    assert [row.name for row in rows] == ["ada", "bob", "žofie", "it's"], rows
    assert rows[1].large is None and rows[1].data is None, rows[1]
    assert connection.execute(select(func.count()).select_from(people)).scalar() == 4
    one = connection.execute(select(people.c.name).where(people.c.large == largest)).scalar()
    assert one == "ada", one
    assert connection.execute(update(people).where(people.c.id == 2).values(name="eve")).rowcount == 1
    assert connection.execute(delete(people).where(people.c.name == "it's")).rowcount == 1
    try:
        connection.execute(insert(people).values(name="ada"))
        raise SystemExit("a broken constraint was no error")
    except exc.DBAPIError as error:
        assert "UNIQUE constraint failed" in str(error), error
    try:
        connection.execute(text("SELECT * FROM nowhere"))
        raise SystemExit("a missing table was no error")
    except exc.DBAPIError as error:
        assert "no such table: nowhere" in str(error), error

# Several rows go as one transaction of the server's: all or nothing. (pyrqlite logs the error of one
# of them and raises none.)
with engine.connect() as connection:
    connection.execute(insert(people), [{"name": "new"}, {"name": "ada"}])
    names = connection.execute(select(people.c.name).order_by(people.c.id)).scalars().all()
    assert names == ["ada", "eve", "žofie"], names

wrong = URL.create("rqlite+pyrqlite", username=user, password="wrong", host=host, port=int(port))
try:
    create_engine(wrong, connect_args={"scheme": "https"}).connect()
    raise SystemExit("a wrong password was no error")
except exc.DBAPIError as error:
    assert "401" in str(error), error
print("sqlalchemy-rqlite: ok")

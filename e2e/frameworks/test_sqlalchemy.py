"""SQLAlchemy with AWS's dialect: the ORM, what it finds in the catalog, and Alembic."""

import datetime
import uuid
from pathlib import Path

import alembic.command
import alembic.config
import pytest
import sqlalchemy
from aurora_dsql_sqlalchemy import create_dsql_engine
from database import host_of
from sqlalchemy import Column, ForeignKey, Index, func, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

PROJECT = Path(__file__).parent / "alembic_project"


class Base(DeclarativeBase):
    pass


class Owner(Base):
    __tablename__ = "sa_owners"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    name: Mapped[str]
    pets: Mapped[list["Pet"]] = relationship(back_populates="owner", cascade="all, delete-orphan")


class Pet(Base):
    __tablename__ = "sa_pets"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    name: Mapped[str]
    born: Mapped[datetime.date | None]
    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sa_owners.id"))
    owner: Mapped[Owner] = relationship(back_populates="pets")
    __table_args__ = (Index("sa_pets_name", "name"),)


class Visit(Base):
    """Numbers its rows itself."""

    __tablename__ = "sa_visits"
    id: Mapped[int] = mapped_column(sqlalchemy.BigInteger, primary_key=True, autoincrement=True)
    reason: Mapped[str]


@pytest.fixture(params=["psycopg", "psycopg2"])
def engine(request, database, home):
    engine = create_dsql_engine(
        host=host_of(home),
        user="admin",
        driver=request.param,
        sslrootcert=database.authority,
        connect_args={"hostaddr": "127.0.0.1", "port": database.port},
    )
    yield engine
    engine.dispose()


@pytest.fixture
def tables(engine):
    """The tables; each statement is a transaction, as there may be one DDL in each."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        Base.metadata.create_all(connection)
        yield
        Base.metadata.drop_all(connection)


@pytest.mark.usefixtures("tables")
def test_objects(engine):
    with Session(engine) as session:
        ann = Owner(
            name="Ann", pets=[Pet(name="Rex"), Pet(name="Tom", born=datetime.date(2020, 2, 29))]
        )
        session.add_all([ann, Owner(name="Bob"), Visit(reason="cough")])
        session.commit()
        assert isinstance(ann.id, uuid.UUID)
        names = session.scalars(
            select(Pet.name).join(Owner).where(Owner.name == "Ann").order_by(Pet.name)
        )
        assert names.all() == ["Rex", "Tom"]
        rex = session.scalars(select(Pet).where(Pet.name == "Rex")).one()
        rex.name = "Max"
        session.commit()
        found = session.execute(select(func.count(), func.max(Pet.name))).one()
        assert tuple(found) == (2, "Tom")
        session.delete(ann)
        session.commit()
        assert session.scalar(select(func.count()).select_from(Pet)) == 0
        assert session.scalars(select(Visit)).one().id >= 1


@pytest.mark.usefixtures("tables")
def test_many_rows_at_once(engine):
    with Session(engine) as session:
        session.execute(
            sqlalchemy.insert(Owner), [{"name": f"n{number}"} for number in range(1000)]
        )
        session.commit()
        found = session.scalars(sqlalchemy.insert(Owner).returning(Owner.name), [{"name": "last"}])
        assert found.all() == ["last"]
        session.rollback()
        assert session.scalar(select(func.count()).select_from(Owner)) == 1000


@pytest.mark.usefixtures("tables")
def test_the_catalog(engine):
    inspector = sqlalchemy.inspect(engine)
    assert {"sa_owners", "sa_pets", "sa_visits"} <= set(inspector.get_table_names())
    columns = {column["name"]: column for column in inspector.get_columns("sa_pets")}
    assert list(columns) == ["id", "name", "born", "owner_id"]
    assert (columns["born"]["nullable"], columns["name"]["nullable"]) == (True, False)
    assert inspector.get_pk_constraint("sa_pets")["constrained_columns"] == ["id"]
    (foreign,) = inspector.get_foreign_keys("sa_pets")
    assert (foreign["referred_table"], foreign["constrained_columns"]) == (
        "sa_owners",
        ["owner_id"],
    )
    assert "sa_pets_name" in {index["name"] for index in inspector.get_indexes("sa_pets")}
    assert inspector.get_schema_names().count("pg_treeline") == 0
    reflected = sqlalchemy.Table("sa_pets", sqlalchemy.MetaData(), autoload_with=engine)
    assert isinstance(reflected.c.id, Column)


def test_isolation_levels(engine):
    with engine.connect() as connection:
        assert connection.get_isolation_level() == "REPEATABLE READ"
    with pytest.raises(sqlalchemy.exc.DBAPIError, match="Unsupported isolation level"):
        with engine.connect().execution_options(isolation_level="SERIALIZABLE") as connection:
            connection.execute(text("SELECT 1"))


def test_migrations(engine):
    config = alembic.config.Config()
    config.set_main_option("script_location", str(PROJECT))
    with engine.connect() as connection:
        config.attributes["connection"] = connection.execution_options(isolation_level="AUTOCOMMIT")
        alembic.command.upgrade(config, "head")
        inspector = sqlalchemy.inspect(connection)
        assert {"al_books", "alembic_version"} <= set(inspector.get_table_names())
        columns = [column["name"] for column in inspector.get_columns("al_books")]
        assert columns == ["id", "title", "pages"]
        indexes = {index["name"] for index in inspector.get_indexes("al_books")}
        assert "al_books_title" in indexes
        alembic.command.downgrade(config, "0001")
        columns = [
            column["name"] for column in sqlalchemy.inspect(connection).get_columns("al_books")
        ]
        assert columns == ["id", "title"]
        alembic.command.downgrade(config, "base")
        assert "al_books" not in sqlalchemy.inspect(connection).get_table_names()
        connection.execute(text("DROP TABLE alembic_version"))

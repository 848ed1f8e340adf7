from alembic import context
from alembic.ddl.postgresql import PostgresqlImpl


class AuroraDSQL(PostgresqlImpl):
    """Alembic wants to know the dialect: it is PostgreSQL's."""

    __dialect__ = "auroradsql"


context.configure(connection=context.config.attributes["connection"], transactional_ddl=False)
with context.begin_transaction():
    context.run_migrations()

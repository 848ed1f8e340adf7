import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"


def upgrade():
    op.add_column("al_books", sa.Column("pages", sa.Integer()))
    op.create_index("al_books_title", "al_books", ["title"])
    op.execute("INSERT INTO al_books (title, pages) VALUES ('Dune', 412)")


def downgrade():
    op.drop_index("al_books_title", "al_books")
    op.drop_column("al_books", "pages")

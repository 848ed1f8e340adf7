"""A Django project with AWS's adapter: migrations of its own and of Django, and what it does."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from database import host_of


@pytest.fixture
def manage(database, tmp_path):
    """Runs `manage.py` of a copy of the project, on a cluster of its own."""
    cluster = database.cluster(database.dsql(database.admin))
    project = tmp_path / "project"
    shutil.copytree(Path(__file__).parent / "django_project", project)

    def manage(*arguments, stdin=""):
        place = {
            "CLUSTER_HOST": host_of(cluster),
            "CLUSTER_PORT": str(database.port),
            "CLUSTER_AUTHORITY": database.authority,
        }
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=project,
            env=os.environ | place,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    manage.project = project
    return manage


def test_a_project(manage):
    assert "Create model Order" in manage("makemigrations", "shop")
    out = manage("migrate", "--run-syncdb", "--no-color")
    assert "Creating table auth_user\n" in out
    assert "Applying shop.0001_initial... OK" in out, out
    walk = (manage.project / "walk.py").read_text()
    assert manage("shell", stdin=walk).strip().endswith("walked")
    models = manage.project / "shop" / "models.py"
    models.write_text(
        models.read_text().replace("paid = ", "note = models.TextField(null=True)\n    paid = ")
    )
    assert "Add field note" in manage("makemigrations", "shop")
    assert "Applying shop.0002_order_note... OK" in manage("migrate", "--no-color")

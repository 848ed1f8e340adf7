import os

SECRET_KEY = "for a test"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "shop",
]
# Their own migrations change types of columns, which Aurora DSQL refuses; `--run-syncdb` makes
# their tables as they are now.
MIGRATION_MODULES = {"contenttypes": None, "auth": None, "sessions": None}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "aurora_dsql_django",
        "HOST": os.environ["CLUSTER_HOST"],
        "PORT": os.environ["CLUSTER_PORT"],
        "USER": "admin",
        "NAME": "postgres",
        "OPTIONS": {
            "hostaddr": "127.0.0.1",
            "sslmode": "verify-full",
            "sslrootcert": os.environ["CLUSTER_AUTHORITY"],
        },
    }
}

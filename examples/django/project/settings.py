"""Django's settings. Those of MonoCloud may be missing until the first call."""

import os

SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "for this machine only")
ALLOWED_HOSTS = os.environ.get("DJANGO_ALLOWED_HOSTS", "localhost,127.0.0.1").split(",")
INSTALLED_APPS = ["phones"]
ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
USE_TZ = True
MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "phones.errors.ErrorResponses"]

# If None, the SDK reads MONOCLOUD_MANAGEMENT_DOMAIN and MONOCLOUD_MANAGEMENT_API_KEY instead.
MONOCLOUD_DOMAIN = None
MONOCLOUD_API_KEY = None

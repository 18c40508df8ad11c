"""The project's URLs."""

from django.urls import path

from phones.views import set_primary_phone

urlpatterns = [path("users/<user_id>/primary-phone/<phone_id>", set_primary_phone)]

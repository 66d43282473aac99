from __future__ import annotations

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import serializers

from accounts.models import TokenFamily, User


class RegisterSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(write_only=True, max_length=128, trim_whitespace=False)

    def validate_email(self, value: str) -> str:
        return value.lower()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            validate_password(attrs["password"], user=User(email=attrs["email"]))
        except DjangoValidationError as error:
            raise serializers.ValidationError({"password": error.messages}) from error
        return attrs


class RegisteredSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField()


class LoginSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField()
    password = serializers.CharField(write_only=True, max_length=128, trim_whitespace=False)


class PasswordSerializer(serializers.Serializer[Any]):
    old_password = serializers.CharField(write_only=True, max_length=128, trim_whitespace=False)
    new_password = serializers.CharField(write_only=True, max_length=128, trim_whitespace=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["new_password"] == attrs["old_password"]:
            raise serializers.ValidationError({"new_password": ["This is the old password."]})
        try:
            validate_password(attrs["new_password"], user=self.context["user"])
        except DjangoValidationError as error:
            raise serializers.ValidationError({"new_password": error.messages}) from error
        return attrs


class RefreshSerializer(serializers.Serializer[Any]):
    refresh = serializers.CharField()


class PairSerializer(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()


class SessionSerializer(serializers.ModelSerializer[TokenFamily]):
    current = serializers.SerializerMethodField(help_text="Whether this request was made in it.")

    class Meta:
        model = TokenFamily
        fields = ("id", "created_at", "last_used_at", "expires_at", "user_agent", "current")
        read_only_fields = fields

    def get_current(self, family: TokenFamily) -> bool:
        return str(family.id) == self.context["current"]


class UserSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ("id", "email", "created_at")

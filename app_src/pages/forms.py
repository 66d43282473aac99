"""The pages' forms."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.forms.renderers import DjangoTemplates

from accounts.models import User
from pages.words import CATEGORIES

PASSWORD_CHARACTERS = 128


class PagesRenderer(DjangoTemplates):
    field_template_name = "pages/field.html"


class PagesForm(forms.Form):
    default_renderer = PagesRenderer()
    use_required_attribute = True


def password_field(label: str, *, autocomplete: str, **arguments: Any) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, max_length=PASSWORD_CHARACTERS, strip=False, widget=widget, **arguments)


class _Credentials(PagesForm):
    email = forms.EmailField(
        label="E-mail address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class LoginForm(_Credentials):
    password = password_field("Password", autocomplete="current-password")


class RegisterForm(_Credentials):
    password = password_field(
        "Password",
        autocomplete="new-password",
        help_text="At least 8 characters, and none of the passwords that everybody uses.",
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if "password" in given and "email" in given:
            try:
                validate_password(given["password"], user=User(email=given["email"]))
            except ValidationError as error:
                self.add_error("password", error)
        return given


def category_choices(empty: str) -> list[tuple[str, str]]:
    return [("", empty), *((name, name.capitalize()) for name in CATEGORIES)]


def date_field(label: str) -> forms.DateField:
    return forms.DateField(
        label=label, required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )


_SEARCH = forms.TextInput(attrs={"type": "search", "placeholder": "Shop, item, or anything printed"})


class FilterForm(PagesForm):
    """What the inbox shows."""

    q = forms.CharField(label="Search", required=False, max_length=100, widget=_SEARCH)
    since = date_field("From")
    until = date_field("To")
    category = forms.ChoiceField(label="Category", required=False, choices=category_choices("All"))

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("since") and given.get("until") and given["since"] > given["until"]:
            self.add_error("until", "This day is before the first one.")
        return given


def _amount(label: str, **arguments: Any) -> forms.DecimalField:
    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
    return forms.DecimalField(label=label, max_digits=12, decimal_places=2, widget=widget, **arguments)


class ReviewForm(PagesForm):
    """What was read of a receipt, to be confirmed or put right."""

    merchant = forms.CharField(label="Shop", max_length=200)
    purchased_on = date_field("Date")
    category = forms.ChoiceField(label="Category", required=False)
    total = _amount("Total")
    currency = forms.RegexField(
        r"^[A-Za-z]{3}$",
        label="Currency",
        required=False,
        error_messages={"invalid": "Three letters, as in EUR or USD."},
        widget=forms.TextInput(attrs={"autocapitalize": "characters", "autocomplete": "off", "maxlength": 3}),
    )
    subtotal = _amount("Subtotal", required=False)
    tax = _amount("Tax", required=False)
    tip = _amount("Tip", required=False)
    address = forms.CharField(label="Address", max_length=500, required=False)
    remember = forms.BooleanField(required=False)

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        choices = category_choices("None")
        own = self.initial.get("category")
        if own and own not in CATEGORIES:
            choices.append((own, own.capitalize()))
        self.fields["category"].choices = choices

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()


class ItemForm(PagesForm):
    """One line of goods; what it is called may not be empty, an empty last line is none."""

    description = forms.CharField(max_length=300)
    quantity = forms.DecimalField(
        max_digits=10, decimal_places=3, initial=1, widget=forms.TextInput(attrs={"inputmode": "decimal"})
    )
    price = _amount("Price", required=False)


ItemForms = forms.formset_factory(ItemForm, extra=1, can_delete=True, max_num=200, validate_max=True)

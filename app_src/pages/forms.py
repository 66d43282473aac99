"""The pages' forms."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.auth.password_validation import get_default_password_validators, validate_password
from django.core.exceptions import ValidationError
from django.forms.renderers import DjangoTemplates
from django.utils import timezone
from django.utils.functional import lazy

from accounts import login as door
from accounts.models import User
from pages.words import CATEGORIES

PASSWORD_CHARACTERS = 128


class PagesRenderer(DjangoTemplates):
    field_template_name = "pages/field.html"


class PagesForm(forms.Form):
    default_renderer = PagesRenderer()
    use_required_attribute = True


def _rules() -> str:
    lengths = [getattr(validator, "min_length", 0) for validator in get_default_password_validators()]
    return f"At least {max(lengths, default=0)} characters, nothing that many use, and nothing like your address."


_password_rules = lazy(_rules, str)()


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
        help_text=_password_rules,
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if "password" in given and "email" in given:
            try:
                validate_password(given["password"], user=User(email=given["email"]))
            except ValidationError as error:
                self.add_error("password", error)
        return given


class _KnowsPassword(PagesForm):
    """Asks for the account's password; guesses are slowed down. Validation raises rest_framework's Throttled."""

    def __init__(self, *arguments: Any, user: User, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.user = user

    def _check(self, name: str) -> None:
        who = f"password:{self.user.pk}"
        door.take_a_try(who)
        if self.user.check_password(self.cleaned_data[name]):
            door.forgive(who)
        else:
            self.add_error(name, "This is not your password.")


class PasswordForm(_KnowsPassword):
    old_password = password_field("Password now", autocomplete="current-password")
    new_password = password_field("New password", autocomplete="new-password", help_text=_password_rules)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if {"old_password", "new_password"} <= given.keys():
            old, new = given["old_password"], given["new_password"]
            self._check("old_password")
            if old == new:
                self.add_error("new_password", "This is the password that you have.")
            try:
                validate_password(new, user=self.user)
            except ValidationError as error:
                self.add_error("new_password", error)
        return given


class LeaveForm(_KnowsPassword):
    sure = forms.BooleanField(label="Delete everything. I know that nobody can bring it back.")
    password = password_field("Your password", autocomplete="current-password")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if {"sure", "password"} <= given.keys():
            self._check("password")
        return given


def category_choices(empty: str) -> list[tuple[str, str]]:
    return [("", empty), *((name, name.capitalize()) for name in CATEGORIES)]


def date_field(label: str) -> forms.DateField:
    return forms.DateField(
        label=label, required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )


class PeriodForm(PagesForm):
    since = date_field("From")
    until = date_field("To")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("since") and given.get("until") and given["since"] > given["until"]:
            self.add_error("until", "This day is before the first one.")
        return given


_SEARCH = forms.TextInput(attrs={"type": "search", "placeholder": "Shop, item, amount, anything printed"})


class FilterForm(PeriodForm):
    """What the inbox shows."""

    q = forms.CharField(label="Search", required=False, max_length=100, widget=_SEARCH)
    category = forms.ChoiceField(label="Category", required=False, choices=category_choices("All"))
    bulk_upload = forms.UUIDField(required=False, widget=forms.HiddenInput)
    page = forms.IntegerField(required=False, min_value=1, max_value=1000, widget=forms.HiddenInput)


def _amount(label: str, **arguments: Any) -> forms.DecimalField:
    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
    return forms.DecimalField(label=label, max_digits=12, decimal_places=2, widget=widget, **arguments)


def _currency(**arguments: Any) -> forms.RegexField:
    return forms.RegexField(
        r"^[A-Za-z]{3}$",
        label="Currency",
        error_messages={"invalid": "Three letters, as in EUR or USD."},
        widget=forms.TextInput(attrs={"autocapitalize": "characters", "autocomplete": "off", "maxlength": 3}),
        **arguments,
    )


class BudgetForm(PagesForm):
    category = forms.ChoiceField(label="Category", choices=category_choices("Choose one"))
    monthly_amount = _amount("A month", min_value=Decimal("0.01"))
    currency = _currency()

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()


class ReviewForm(PagesForm):
    """What was read of a receipt, to be confirmed or put right."""

    merchant = forms.CharField(label="Shop", max_length=200)
    purchased_on = date_field("Date")
    category = forms.ChoiceField(label="Category", required=False)
    total = _amount("Total")
    currency = _currency(required=False)
    subtotal = _amount("Subtotal", required=False)
    tax = _amount("Tax", required=False)
    tip = _amount("Tip", required=False)
    payment = forms.ChoiceField(
        label="Paid by", required=False, choices=[("", "Unknown"), ("cash", "Cash"), ("card", "Card")]
    )
    address = forms.CharField(label="Address", max_length=500, required=False)
    remember = forms.BooleanField(required=False, initial=True)

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        choices = category_choices("None")
        own = self.initial.get("category")
        if own and own not in CATEGORIES:
            choices.append((own, own.capitalize()))
        self.fields["category"].choices = choices

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()

    def clean_purchased_on(self) -> date | None:
        day: date | None = self.cleaned_data["purchased_on"]
        # Somewhere it is tomorrow already.
        if day and day > timezone.now().date() + timedelta(days=1):
            raise ValidationError("This day is yet to come.")
        return day


class ItemForm(PagesForm):
    """One line of goods. An empty last line is none."""

    description = forms.CharField(max_length=300)
    quantity = forms.DecimalField(
        max_digits=10, decimal_places=3, initial=1, widget=forms.TextInput(attrs={"inputmode": "decimal"})
    )
    price = _amount("Amount", required=False)


class _ItemForms(forms.BaseFormSet):
    def add_fields(self, form: ItemForm, index: int | None) -> None:
        """In a table, the head of the column names a field to who sees it; this, to who does not."""
        super().add_fields(form, index)
        number = "new item" if index is None or index >= self.initial_form_count() else f"item {index + 1}"
        for name, word in (("description", "What"), ("quantity", "Number"), ("price", "Amount"), ("DELETE", "Drop")):
            form.fields[name].widget.attrs["aria-label"] = f"{word}, {number}"
        if number == "new item":
            form.fields["description"].widget.attrs["placeholder"] = "Another item"


MOST_ITEMS = 300
ItemForms = forms.formset_factory(
    ItemForm, formset=_ItemForms, extra=1, can_delete=True, max_num=MOST_ITEMS, validate_max=True
)

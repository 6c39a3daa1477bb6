"""The closed forms edges can become, and formulas as safe, differentiable values."""

from edgewise.forms.expression import Expression as Expression
from edgewise.forms.expression import parse as parse
from edgewise.forms.library import FORMS as FORMS
from edgewise.forms.library import Domain as Domain
from edgewise.forms.library import Form as Form
from edgewise.forms.library import form_from_text as form_from_text
from edgewise.forms.tree import quote as quote

__all__ = ["FORMS", "Domain", "Expression", "Form", "form_from_text", "parse", "quote"]

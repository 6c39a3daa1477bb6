"""The closed forms edges can become, and formulas as safe, differentiable values."""

from edgewise._core.moved import answer_old_names
from edgewise.forms.expression import Expression as Expression
from edgewise.forms.expression import parse as parse
from edgewise.forms.library import FORMS as FORMS
from edgewise.forms.library import Form as Form
from edgewise.forms.library import FormDomain as FormDomain
from edgewise.forms.library import form_from_text as form_from_text
from edgewise.forms.tree import quote as quote

__all__ = ["FORMS", "Expression", "Form", "FormDomain", "form_from_text", "parse", "quote"]

__getattr__ = answer_old_names(__name__)

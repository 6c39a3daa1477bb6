"""
A credit decision: explained, proved, audited
=============================================

Why was this person refused? Can it be shown that the answer does not hang on their sex? And does the
model treat women and men alike? Three questions, one model, and answers that can be checked.

The table ships with edgewise: 1,000 loans of a German bank from the 1970s (H. Hofmann, Statlog German
Credit Data, UCI, CC BY 4.0). Nobody would lend by these rules today; that is what makes it a good
example of what to look for.
"""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import edgewise as ew
from edgewise.verifying.checker import check

loans = pd.DataFrame(dict(ew.load_example("german_credit").columns))
loans["status"].value_counts()

# %%
# One column, `status`, holds sex and marital status together. There is no single woman in the table: the
# 1,000 loans are a sample of what a bank once wrote down, not of the world.
#
# Train
# -----
# 700 loans to learn from, 300 to judge by. With ``interactions=0`` the network has one curve for each
# column and adds them up; nothing else can happen in it.

learn, judge = ew.data.split(
    len(loans), 0.3, seed=0, classes=(loans.credit == "good").to_numpy()
)
X = loans.drop(columns="credit").iloc[learn].reset_index(drop=True)
X_test = loans.drop(columns="credit").iloc[judge].reset_index(drop=True)
y, y_test = loans.credit.to_numpy()[learn], loans.credit.to_numpy()[judge]


def measures(model):
    """Accuracy, and the chance that a good loan gets the higher score of two."""
    score = model.decision_function(X_test)
    good, bad = score[y_test == "good"], score[y_test == "bad"]
    accuracy = np.mean(model.predict(X_test) == y_test)
    return f"accuracy {accuracy:.3f}   AUC {np.mean(good[:, None] > bad):.3f}"


model = ew.KANClassifier(interactions=0, random_state=0).fit(X, y)
print(measures(model))
print(f"to call every loan good would be right in {np.mean(y_test == 'good'):.3f}")

# %%
# What it has learned
# -------------------
# The curves are the model, so a picture of them is not an approximation of it. Heights are log-odds of
# a good loan, grey skylines the number of loans.

whole = ew.explain(model, X, output="good", units={"amount": "DM"})
ew.plots.plot_shapes(whole, most=9)

# %%
# The account matters most, then the history of earlier loans, then what the money is for. `status` comes
# eighth: the model, asked for accuracy only, uses sex and marital status.
#
# One refusal
# -----------
# Applicant 53 of the held-out loans was refused. What each column contributed adds up to the answer
# exactly.

applicant = 53
one = ew.explain(
    model, X_test, row=applicant, output="good", units={"amount": "DM"}
)
for reason in one.reasons:
    print(reason.text)

# %%
ew.plots.plot_contributions(one, most=10)

# %%
# What would have to change? Sex and age cannot, so they are off the table; each way out has been given
# to the model and found to work.

fixed = ["status", "age", "foreign"]
ways = ew.counterfactuals(
    model, X_test, applicant, fixed=fixed, units={"amount": "DM"}
)
ew.plots.plot_counterfactuals(ways)

# %%
# "Ask for more money" is the cheapest advice. It is true of this model, and it is absurd: a counterfactual
# shows what the model does, not what is sensible. It has found a flaw.
#
# Prove
# -----
# Is it one row, or a rule? `verify` answers for *every* row that the model can be given, seen or not. A
# longer loan never raises the score:

print(ew.verify(model, "monotone(months, decreasing)"))

# %%
# That is a proof, though nobody asked for it in training. Of the amount it is not true, and the answer
# brings the two applications that show it; the star marks the cell in which they differ.

print(ew.verify(model, "monotone(amount, decreasing)"))

# %%
# So it is asked for in training. The constraint holds by construction; the proof shows it independently.

model = ew.KANClassifier(
    interactions=0,
    monotone={"months": "decreasing", "amount": "decreasing"},
    random_state=0,
).fit(X, y)
print(measures(model))
for claim in ("monotone(months, decreasing)", "monotone(amount, decreasing)"):
    print(ew.verify(model, claim))

# %%
# What it cost in AUC is less than its standard error on 300 loans, about 0.03. The advice is better:

ways = ew.counterfactuals(
    model, X_test, applicant, fixed=fixed, units={"amount": "DM"}
)
print(ways)

# %%
# Does the decision hang on sex?
# ------------------------------
# The claim that is wanted: changing `status`, and nothing else, never changes a decision.

answer = ew.verify(model, "never_flips(status)", rows=X_test)
print(answer)

# %%
# Refuted. The witness is made up, as any row may be; but it is not far to a real one:

she = X_test.iloc[[applicant]]
for status in loans["status"].unique():
    print(f"{model.predict(she.assign(status=status))[0]:5} {status}")

# %%
# Applicant 53 is a woman. Had the clerk written *male, single* in that cell and all else the same, the model
# would have granted the loan; a divorced man it would have refused as it did her.
#
# Audit
# -----
# How often does that happen? The audit counts, on the held-out loans, and compares the groups. It is asked
# about sex, which is no column of its own here, and about `status`, which is.

sex = X_test["status"].str.split(",").str[0]
before = ew.audit(model, X_test, y_test, {"sex": sex})
column = ew.audit(model, X_test, y_test, "status", proxies=False).flips[0]
print(f"changing status alone flips {column.share:.1%} of the decisions,")
print(f"and moves the log-odds by at most {column.certified.bound:.3f}, proved")
ew.plots.plot_audit(before, "sex")

# %%
# Both criteria, side by side, because they mean different things. Demographic parity compares how often
# women and men are granted a loan; equalised odds how often rightly and how often wrongly. Here the second
# gap is far wider: of the loans that went bad, men had been granted most, women few.


def gaps(found):
    """Both gaps between the sexes, with their 95 % intervals."""
    table = found.of("sex")
    pairs = (
        ("demographic parity", table.demographic_parity),
        ("equalised odds", table.equalised_odds),
    )
    for name, gap in pairs:
        low, high = gap.interval
        print(f"  {name:18} {gap.difference:.2f}  [{low:.2f}, {high:.2f}]")


gaps(before)

# %%
# Repair
# ------
# `neutralize_columns` makes the curve of a column constant, at its mean, and turns its edge off; the other
# curves stay as they are. (`bound_flip` is the milder cure: it draws the curve in until changing the
# column provably moves the log-odds by no more than you allow.)

repaired = ew.auditing.neutralize_columns(model, "status", X).model
print("before  ", measures(model))
print("repaired", measures(repaired))

# %%
# And prove again: all of it, since this is another model.

claims = (
    "monotone(months, decreasing)",
    "monotone(amount, decreasing)",
    "never_flips(status)",
)
proofs = [ew.verify(repaired, claim) for claim in claims]
for proof in proofs:
    print(proof)

# %%
# Evidence, not trust
# -------------------
# A proof that only its maker can check is worth little. The certificate is a small file, bound to the
# bytes of the model's file. The program that checks it shares no code with the one that made it and
# computes in exact fractions; in a shell it is ``edgewise check proof.json model.kan``.

folder = Path(tempfile.mkdtemp())
ew.save(repaired, folder / "repaired.kan")
ew.save(model, folder / "old.kan")
proofs[-1].certificate.save(folder / "proof.json")

verdict = check(folder / "proof.json", folder / "repaired.kan")
print(verdict.reason)
print(verdict.claim)
print(check(folder / "proof.json", folder / "old.kan").reason)

# %%
# Audit again
# -----------
# What has been proved is that the model does not hang on *this column*. Whether it treats women and men
# alike is another question, and the audit answers it.

after = ew.audit(repaired, X_test, y_test, {"sex": sex})
print("before")
gaps(before)
print("repaired")
gaps(after)

# %%
ew.plots.plot_audit(after, "sex")

# %%
# Both gaps are narrower, and neither is closed. The rest does not come through `status` any more, though of
# all columns it predicts sex best. Some may come through others that go with sex; the audit names them.

for proxy in after.proxies[0].found:
    print(f"{proxy.column}: {proxy.strength}, area under the curve {proxy.auc:.2f}")

# %%
# What closing the gap would cost
# -------------------------------
# `mitigate` makes fairer models in several ways and measures each on the held-out loans: trained on with a
# penalty on the gap, or with a threshold for each sex.

rows = X.assign(sex=X["status"].str.split(",").str[0])
rows_test = X_test.assign(sex=sex)
found = ew.mitigate(
    repaired,
    rows,
    y,
    "sex",
    test=(rows_test, y_test),
    methods=["penalty", "thresholds"],
    strengths=[1, 10],
)
ew.plots.plot_frontier(found)

# %%
# Nothing is free here. A narrower gap costs some accuracy, thresholds by sex treat two people with the same
# score differently, which may be unlawful, and on 300 loans every one of these points has an uncertainty as
# wide as the distance to the next. Which gap matters, and what it may cost, a program cannot decide. What a
# program can do is keep it honest: each of these is a new model, and what was proved of the old one has to be
# proved anew. Where it shows *refuted*, training on has given up what was held before.

for point in found.points:
    if point.method in ("before", "penalty"):
        statuses = [ew.verify(point.model, claim).status for claim in claims]
        print(
            f"{point.detail.removeprefix('trained on with '):56}  {', '.join(statuses)}"
        )

# %%
# Where this leaves applicant 53
# ------------------------------

for name, each in (("before", model), ("repaired", repaired)):
    chance = each.predict_proba(she)[0, 1]
    print(f"{name:9} {each.predict(she)[0]:5} probability of good {chance:.3f}")

# %%
# Her status counts neither for nor against her now, and that is proved. She is just short of a loan, and what
# would carry her over is something she can do:

ways = ew.counterfactuals(
    repaired, X_test, applicant, fixed=fixed, units={"amount": "DM"}
)
print(ways)

# %%
# The repaired model itself, to be asked about whom you like:

repaired

# sphinx_gallery_thumbnail_number = 2

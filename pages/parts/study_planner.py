"""The planner: how wide kappa's interval will be for so many animals and readers."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.agreement.planner import Plan, expect
from core.agreement.ratings import Scale
from core.agreement.weights import NotEstimable, Weighting, weight_matrix
from core.domain.errors import NothingToDo
from core.domain.protocols import Scheme
from pages.parts import messages, session

_FOUND, _WEIGHTS, _STAGES = "studies.planned", "studies.plan_weights", "studies.plan_stages"
_FACTORS = (0.5, 1.0, 2.0)


@messages.guarded
def draw_planner() -> None:
    """Draw the questions and, once asked, the answer for the planned number of animals, half and twice as many."""
    with st.form("studies_planner", border=False):
        animals, readers, kappa, weighting, scheme = st.columns(5)
        n_animals = animals.number_input("Animals", 10, 5000, 60, step=10)
        n_readers = readers.number_input("Readers", 2, 12, 3)
        expected = kappa.number_input("Expected kappa of two readers", 0.05, 0.98, 0.7, step=0.05)
        weighting.selectbox("Weights", list(Weighting), index=1, format_func=lambda one: one.title, key=_WEIGHTS)
        scheme.selectbox("Stages", list(Scheme), format_func=lambda one: one.value, key=_STAGES)
        if st.form_submit_button("Simulate"):
            scale = session.get_or(_WEIGHTS, Weighting.LINEAR), session.get_or(_STAGES, Scheme.SEVEN)
            session.put(_FOUND, _planned(int(n_animals), int(n_readers), float(expected), scale))
    found = session.get(_FOUND, pd.DataFrame)
    if found is not None:
        st.dataframe(found, hide_index=True, key="studies.plan")
        st.caption(
            "Half the width of the 95 % interval of the mean kappa between readers, from 4000 simulated studies of one "
            "slide an animal, equally frequent stages and readers alike. Rare stages and missing reads widen it."
        )


def _planned(n_animals: int, n_readers: int, expected: float, scale: tuple[Weighting, Scheme]) -> pd.DataFrame:
    weights = weight_matrix(scale[0], Scale(labels=scale[1].stages))
    if isinstance(weights, NotEstimable):
        raise NothingToDo(f"There is nothing to plan: {weights.why}.")
    rows = []
    with st.spinner("Drawing studies"):
        bar = st.progress(0.0)
        for number, factor in enumerate(_FACTORS):
            plan = Plan(
                n_animals=max(5, round(n_animals * factor)),
                n_readers=n_readers,
                expected_kappa=expected,
                weights=weights,
            )
            found = expect(plan)
            bar.progress((number + 1) / len(_FACTORS))
            rows.append(
                {
                    "Animals": plan.n_animals,
                    "Readers": n_readers,
                    "Kappa": f"{found.kappa:.2f}",
                    "95 % interval": f"± {found.half_width:.3f}",
                    "Weights": scale[0].title,
                }
            )
        bar.empty()
    return pd.DataFrame(rows)

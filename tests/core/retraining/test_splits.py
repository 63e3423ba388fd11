from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.datasets import Isolation, Split, TrainingPatch
from core.domain.errors import LeakingSplit, NothingToDo, TooFewSubjects
from core.domain.stages import STAGES
from core.retraining.balance import balanced
from core.retraining.export import ExportSources
from core.retraining.isolation import SideRow, prove_isolation
from core.retraining.selection import ExportRequest
from core.retraining.side_sizes import cautions_of, side_sizes
from core.retraining.splits import (
    assign_splits,
    largest_imbalance,
    stages_by_fold,
    stages_by_split,
    weak_held_out,
)
from tests.core.retraining.training_material import make_slide, make_sources

BY_SITE = ExportRequest(isolation=Isolation.SITE, fractions=(0.7, 0.0, 0.3))


def patches_of(sources: ExportSources) -> tuple[TrainingPatch, ...]:
    return sources.select(ExportRequest()).patches


def prove(patches: tuple[TrainingPatch, ...], isolation: Isolation = Isolation.SUBJECT) -> None:
    prove_isolation((SideRow.of(patch) for patch in patches), isolation)


def test_every_side_gets_whole_subjects_near_its_fraction() -> None:
    assigned = assign_splits(patches_of(make_sources(n_subjects=40, n_patches=7)), ExportRequest())
    prove(assigned)
    subjects = {side: len({p.subject for p in assigned if p.split is side}) for side in Split}
    assert subjects == {Split.TRAIN: 28, Split.VALIDATION: 6, Split.TEST: 6}


def test_stages_lie_on_all_sides_in_proportion() -> None:
    assigned = assign_splits(patches_of(make_sources(n_subjects=40, n_patches=10)), ExportRequest())
    shares = {side: np.array(counts) / sum(counts) for side, counts in stages_by_split(assigned)}
    assert all(np.abs(shares[side] - shares[Split.TRAIN]).max() < 0.06 for side in Split)


def patches_of_counts(counts: Sequence[int], seed: int) -> tuple[TrainingPatch, ...]:
    """Give so many patches of each animal, of two neighbouring stages an animal."""
    pattern, chance = patches_of(make_sources(n_subjects=1, n_patches=1))[0], np.random.default_rng(seed)
    return tuple(
        replace(
            pattern,
            subject=f"Rat {animal}",
            slide_id=make_slide(f"{animal}", "x").slide_id,
            patch_index=number,
            stage=STAGES[(animal + int(chance.integers(2))) % len(STAGES)],
        )
        for animal, n in enumerate(counts)
        for number in range(n)
    )


@pytest.mark.parametrize("seed", range(12))
def test_few_animals_of_very_different_numbers_of_patches_leave_no_side_to_one_of_them(seed: int) -> None:
    counts = np.maximum(1, np.random.default_rng(seed).lognormal(1.5, 1.2, 12)).astype(int)
    fractions = (0.5, 0.2, 0.3)
    assigned = assign_splits(patches_of_counts(counts.tolist(), seed), ExportRequest(seed=seed, fractions=fractions))
    sizes = side_sizes(assigned, fractions, 0)
    assert [size.name for size in sizes] == ["train", "validation", "test"]
    assert all(abs(size.n_animals - 12 * asked) <= 1 for size, asked in zip(sizes, fractions, strict=True))


def test_whole_sites_are_weighed_by_their_animals() -> None:
    patches = patches_of(make_sources(n_subjects=40, n_patches=4))
    first = {"Rat 0": "Far", "Rat 1": "Near"}
    sites = tuple(replace(p, site=first.get(p.subject, f"Site {int(p.subject[4:]) % 3}")) for p in patches)
    request = ExportRequest(isolation=Isolation.SITE, fractions=(0.4, 0.3, 0.3))
    sizes = side_sizes(assign_splits(sites, request), request.fractions, 0)
    assert all(size.n_animals >= 12 for size in sizes)


def test_no_move_of_one_animal_and_no_exchange_of_two_would_be_better() -> None:
    counts, weights = np.random.default_rng(4).integers(0, 6, (14, 5)) + 1.0, np.array([10.0, 3.0, 1.0, 1.0, 1.0])
    fractions = np.array([0.5, 0.2, 0.3])
    wanted = fractions[:, None] * counts.sum(axis=0)

    def distance(side_of: Sequence[int]) -> float:
        filled = np.stack([counts[np.array(side_of) == side].sum(axis=0) for side in range(3)])
        return float((weights * (filled - wanted) ** 2 / wanted).sum())

    fixed = np.full(14, -1)
    fixed[3] = 2
    found = balanced(counts, weights, fractions, fixed).tolist()
    assert found[3] == 2
    others = [unit for unit in range(14) if unit != 3]
    moved = [[*found[:unit], side, *found[unit + 1 :]] for unit in others for side in range(3)]
    for one, other in itertools.combinations(others, 2):
        exchanged = list(found)
        exchanged[one], exchanged[other] = found[other], found[one]
        moved.append(exchanged)
    assert distance(found) <= min(map(distance, moved)) + 1e-5


def test_a_validation_side_that_is_too_small_is_said_to_be_and_one_that_is_not_is_not() -> None:
    few = assign_splits(patches_of_counts((3,) * 8, 1), ExportRequest())
    words = "the validation side holds 3 patches of 1 animal, where 20 of 5 are the fewest: which epoch"
    assert [caution[: len(words)] for caution in cautions_of(side_sizes(few, ExportRequest().fractions, 0))] == [words]
    enough = assign_splits(patches_of_counts((8,) * 40, 1), ExportRequest())
    assert cautions_of(side_sizes(enough, ExportRequest().fractions, 0)) == ()
    in_folds = ExportRequest(n_folds=2)
    found = cautions_of(side_sizes(assign_splits(patches_of_counts((3,) * 8, 1), in_folds), in_folds.fractions, 2))
    assert [caution.split(" holds")[0] for caution in found] == ["fold 1", "fold 2"]


def test_the_same_seed_gives_the_same_sides_and_another_gives_others() -> None:
    patches = patches_of(make_sources(n_subjects=20))
    again = assign_splits(tuple(reversed(patches)), ExportRequest(seed=1))
    assert {p.file_name: p.split for p in again} == {
        p.file_name: p.split for p in assign_splits(patches, ExportRequest(seed=1))
    }
    assert assign_splits(patches, ExportRequest(seed=1)) != assign_splits(patches, ExportRequest(seed=2))


def test_three_subjects_fill_three_sides() -> None:
    assigned = assign_splits(patches_of(make_sources(n_subjects=3)), ExportRequest())
    assert {patch.split for patch in assigned} == set(Split)


def test_too_few_subjects_are_refused_with_how_many_are_needed_and_there() -> None:
    with pytest.raises(TooFewSubjects, match="at least 3 different subjects, and there are 2") as caught:
        assign_splits(patches_of(make_sources(n_subjects=2)), ExportRequest())
    assert (caught.value.n_needed, caught.value.n_found) == (3, 2)


def test_nothing_to_split_says_so() -> None:
    with pytest.raises(NothingToDo):
        assign_splits((), ExportRequest())


def test_by_site_holds_whole_sites_out() -> None:
    assigned = assign_splits(patches_of(make_sources(n_subjects=8)), BY_SITE)
    prove(assigned, Isolation.SITE)
    sides_of_site = {site: {p.split for p in assigned if p.site == site} for site in ("Basel", "Kyoto")}
    assert sorted(len(sides) for sides in sides_of_site.values()) == [1, 1]


def test_two_sites_cannot_fill_three_sides() -> None:
    with pytest.raises(TooFewSubjects, match="3 different sites, and there are 2"):
        assign_splits(patches_of(make_sources()), ExportRequest(isolation=Isolation.SITE))


def test_sites_that_share_a_subject_go_to_one_side() -> None:
    patches = patches_of(make_sources(n_subjects=6))
    shared = tuple(replace(p, site=f"Site {i % 3}", subject=f"Rat {i % 4}") for i, p in enumerate(patches))
    with pytest.raises(TooFewSubjects, match="there are 1"):
        assign_splits(shared, BY_SITE)


def test_spelling_makes_no_other_animal() -> None:
    patches = patches_of(make_sources(n_subjects=6))
    names = ["Rat 0", "rat  0", "RAT 0"]
    spelt = tuple(replace(p, subject=names[i % 3]) if p.subject == "Rat 0" else p for i, p in enumerate(patches))
    assigned = assign_splits(spelt, ExportRequest())
    assert len({p.split for p in assigned if p.subject_key == "rat 0"}) == 1


def test_a_leak_that_hides_behind_spelling_is_found() -> None:
    rows = [
        SideRow(split=Split.TRAIN, subject="Rat 7", site="", slide_id="a"),
        SideRow(split=Split.TEST, subject="rat  7", site="", slide_id="b"),
    ]
    with pytest.raises(LeakingSplit, match="Rat 7"):
        prove_isolation(rows, Isolation.SUBJECT)


def test_one_slide_under_two_subjects_cannot_be_on_two_sides() -> None:
    rows = [
        SideRow(split=Split.TRAIN, subject="Rat 1", site="", slide_id="a"),
        SideRow(split=Split.TEST, subject="Rat 2", site="", slide_id="a"),
    ]
    with pytest.raises(LeakingSplit, match="slide a"):
        prove_isolation(rows, Isolation.SUBJECT)


def test_one_site_on_two_sides_leaks_only_where_sites_are_isolated() -> None:
    rows = [
        SideRow(split=Split.TRAIN, subject="Rat 1", site="Basel", slide_id="a"),
        SideRow(split=Split.TEST, subject="Rat 2", site="basel", slide_id="b"),
    ]
    proof = prove_isolation(rows, Isolation.SUBJECT)
    assert proof.to_json()["sites_on_two_sides"] == ["basel"]
    with pytest.raises(LeakingSplit, match="site Basel, basel"):
        prove_isolation(rows, Isolation.SITE)


@settings(max_examples=40, deadline=None)
@given(
    places=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(0, 6)), min_size=1, max_size=60),
    seed=st.integers(0, 99),
    isolation=st.sampled_from(list(Isolation)),
    n_folds=st.sampled_from([0, 2, 3]),
)
def test_no_draw_of_subjects_sites_and_stages_ever_leaks(
    places: list[tuple[int, int, int]], seed: int, isolation: Isolation, n_folds: int
) -> None:
    pattern = patches_of(make_sources(n_subjects=1, n_patches=1))[0]
    patches = tuple(
        replace(
            pattern,
            subject=f"Rat {subject}",
            site=f"Site {site}",
            scanner=f"Scanner {(site + subject) % 3}",
            slide_id=make_slide(f"{subject}-{site}", "x").slide_id,
            patch_index=number,
            stage=STAGES[stage],
        )
        for number, (subject, site, stage) in enumerate(places)
    )
    request = ExportRequest(seed=seed, isolation=isolation, n_folds=n_folds)
    try:
        assigned = assign_splits(patches, request)
    except TooFewSubjects:
        return
    prove(assigned, isolation)
    assert set(Counter(patch.split for patch in assigned)) == set(Split)
    assert {patch.fold for patch in assigned} == set(range(n_folds + 1))


def test_folds_cut_no_subject_and_the_first_is_the_validation_side() -> None:
    request = ExportRequest(n_folds=4, fractions=(0.6, 0.2, 0.2))
    assigned = assign_splits(patches_of(make_sources(n_subjects=40, n_patches=7)), request)
    prove(assigned)
    assert {(patch.split, patch.fold) for patch in assigned} == {
        (Split.VALIDATION, 1),
        *((Split.TRAIN, fold) for fold in (2, 3, 4)),
        (Split.TEST, 0),
    }
    subjects = Counter(side for side, _ in {(patch.side, patch.subject) for patch in assigned})
    assert subjects == {"fold 1": 8, "fold 2": 8, "fold 3": 8, "fold 4": 8, "test": 8}
    assert largest_imbalance(stages_by_fold(assigned)) < 0.05


def test_folds_need_as_many_subjects() -> None:
    with pytest.raises(TooFewSubjects, match="at least 6 different subjects, and there are 4"):
        assign_splits(patches_of(make_sources(n_subjects=4)), ExportRequest(n_folds=5))


def test_a_subject_in_two_folds_leaks_though_both_are_trained_on() -> None:
    rows = [
        SideRow(split=Split.TRAIN, fold=fold, subject="Rat 1", site="", slide_id=slide)
        for fold, slide in ((2, "a"), (3, "b"))
    ]
    with pytest.raises(LeakingSplit, match="subject Rat 1 would be in fold 2 and fold 3"):
        prove_isolation(rows, Isolation.SUBJECT)


def test_by_scanner_holds_whole_scanners_out() -> None:
    patches = patches_of(make_sources(n_subjects=12))
    scanned = tuple(replace(p, scanner=f"Scanner {int(p.subject[4:]) % 4}") for p in patches)
    assigned = assign_splits(scanned, ExportRequest(isolation=Isolation.SCANNER))
    prove(assigned, Isolation.SCANNER)
    assert {p.split for p in assigned} == set(Split)
    with pytest.raises(LeakingSplit, match="scanner Scanner 0"):
        prove(tuple(replace(p, scanner="Scanner 0") for p in assigned), Isolation.SCANNER)


def of_another_animal(patch: TrainingPatch) -> TrainingPatch:
    name = f"Mouse {patch.subject}"
    return replace(patch, subject=name, slide_id=make_slide(name, name).slide_id)


def test_weak_patches_change_no_side_and_those_of_other_animals_only_train() -> None:
    patches = patches_of(make_sources(n_subjects=8))
    weak_of_read = tuple(replace(p, is_weak=True, patch_index=p.patch_index + 50) for p in patches)
    weak_of_others = tuple(of_another_animal(p) for p in weak_of_read)
    alone = {p.file_name: p.split for p in assign_splits(patches, ExportRequest())}
    mixed = assign_splits((*patches, *weak_of_read, *weak_of_others), ExportRequest())
    prove(mixed)
    assert {p.file_name: p.split for p in mixed if not p.is_weak} == alone
    kept = [p for p, out in zip(mixed, weak_held_out(mixed), strict=True) if not out]
    assert {p.split for p in kept if p.is_weak} == {Split.TRAIN}
    assert sum(p.subject.startswith("Mouse") for p in kept) == len(weak_of_others)


def test_with_folds_no_weak_patch_is_ever_validated_on() -> None:
    patches = patches_of(make_sources(n_subjects=8))
    weak = tuple(replace(p, is_weak=True, patch_index=p.patch_index + 50) for p in patches)
    others = tuple(of_another_animal(p) for p in weak)
    request = ExportRequest(n_folds=3)
    assigned = assign_splits((*patches, *weak, *others), request)
    kept = [p for p, out in zip(assigned, weak_held_out(assigned), strict=True) if not out]
    assert {(p.split, p.fold) for p in kept if p.is_weak} == {(Split.TRAIN, 0)}


def test_a_set_of_weak_patches_alone_has_every_side() -> None:
    weak = tuple(replace(p, is_weak=True) for p in patches_of(make_sources()))
    assigned = assign_splits(weak, ExportRequest())
    assert {p.split for p in assigned} == set(Split)
    assert not any(weak_held_out(assigned))


def test_imbalance_is_the_largest_difference_of_a_stages_share() -> None:
    even, other = (2, 2, 0, 0, 0, 0, 0), (4, 0, 0, 0, 0, 0, 0)
    assert largest_imbalance([("a", even), ("b", even)]) == 0.0
    assert largest_imbalance([("a", even), ("b", other)]) == pytest.approx(0.25)
    assert largest_imbalance([]) == 0.0


@pytest.mark.parametrize("n_folds", [1, -2, 21])
def test_a_number_of_folds_that_is_none_is_refused(n_folds: int) -> None:
    with pytest.raises(ValueError, match="folds"):
        ExportRequest(n_folds=n_folds)

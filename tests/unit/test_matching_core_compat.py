"""The two work-arounds for Splink 5 on DuckDB 2, and quiet."""

import logging

import duckdb
import pyarrow as pa
import pytest

from families_first.matching.compat import quiet_splink, with_arrow_lambdas, without_join_order_optimiser


def test_single_arrow_lambdas_are_read_only_inside_the_work_around():
    query = "SELECT list_transform([1, 2], x -> x + 1)"
    with duckdb.connect() as con:
        with with_arrow_lambdas(con):
            assert con.execute(query).fetchall() == [([2, 3],)]
        with pytest.raises(duckdb.Error):
            con.execute(query).fetchall()


def test_the_join_order_optimiser_is_off_only_inside_the_work_around():
    setting = "SELECT current_setting('disabled_optimizers')"
    with duckdb.connect() as con:
        before = con.execute(setting).fetchall()
        with without_join_order_optimiser(con):
            assert con.execute(setting).fetchall() == [("join_order",)]
        assert con.execute(setting).fetchall() == before


def test_a_failure_inside_puts_the_settings_back():
    with duckdb.connect() as con:
        before = con.execute("SELECT current_setting('disabled_optimizers')").fetchall()
        with pytest.raises(ZeroDivisionError), without_join_order_optimiser(con):
            raise ZeroDivisionError
        assert con.execute("SELECT current_setting('disabled_optimizers')").fetchall() == before


def test_splink_clusters_one_to_one_inside_the_work_around():
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on
    from splink import comparison_library as cl

    people = pa.table(
        {
            "unique_id": [1, 2, 3, 4],
            "source_dataset": ["a", "b", "a", "b"],
            "name": ["ann", "ann", "bob", "bob"],
        }
    )
    with duckdb.connect() as con, quiet_splink():
        api = DuckDBAPI(connection=con)
        settings = SettingsCreator(
            link_type="link_only",
            comparisons=[cl.ExactMatch("name")],
            blocking_rules_to_generate_predictions=[block_on("name")],
        )
        tables = [
            api.register(people.filter(pa.compute.equal(people["source_dataset"], s)), dataset_display_name=s)
            for s in "ab"
        ]
        linker = Linker(tables, settings, log_level=None)
        predicted = linker.inference.predict(warning_mode="never")
        with without_join_order_optimiser(con):
            found = linker.clustering.cluster_using_single_best_links(
                predicted, duplicate_free_datasets=["a", "b"], threshold_match_probability=0.0
            )
        clusters = {row["unique_id"]: row["cluster_id"] for row in found.as_record_list()}
    assert clusters[1] == clusters[2] != clusters[3] == clusters[4]


def test_splink_says_nothing_inside_quiet(capsys):
    with quiet_splink():
        logging.getLogger("splink.internals").warning("untrained")
    assert capsys.readouterr() == ("", "")

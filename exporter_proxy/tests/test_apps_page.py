"""/apps in a browser: what people see, and what the page does by itself."""

from collections.abc import Iterator

import pytest

from exporter_proxy.config.values import Lifetime
from exporter_proxy.tests.browser import Browser, Page
from exporter_proxy.tests.site import Site

HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>alert(1)</script>"
ERROR = "line 3: not a number that Prometheus reads: backup_done yesterday"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a running browser."""
    with Browser().running() as browser:
        yield browser


@pytest.fixture
def site() -> Iterator[Site]:
    """Return a site with three applications."""
    with Site().open() as site:
        site.push("shop", "".join(f"s{number} 1\n" for number in range(12)))
        site.push("mailer", "m 1\n", lifetime=Lifetime(seconds=300))
        site.push("backup", "b 1\nc 1\n")
        site.fail("backup", ERROR)
        yield site


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """Return the page, loaded and refreshed once; nothing may go wrong on it."""
    with browser.page() as page:
        page.open(site.url)
        page.until("apps !== null")
        yield page
        assert page.problems == []


def names(page: Page) -> list[str]:
    return page.texts("#rows .name")


def sorted_by(page: Page) -> dict[str, str]:
    found = page.look(
        "Object.fromEntries([...document.querySelectorAll('th[data-key]')]"
        ".map(head => [head.dataset.key, head.ariaSort]))"
    )
    assert isinstance(found, dict)
    return {key: order for key, order in found.items() if order != "none"}


def refresh(page: Page) -> None:
    """Let the page ask now rather than in some seconds."""
    page.look("refresh()")


def test_everybody_is_there_with_state_and_error(page: Page):
    assert names(page) == ["backup", "mailer", "shop"]
    assert page.texts("#rows .badge") == ["failing", "ok", "ok"]
    assert page.texts("#rows .series") == ["2", "1", "12"]
    assert page.texts("#rows summary span") == [ERROR]
    assert page.texts("fieldset b") == ["3", "2", "1", "0", "0"]
    assert page.texts("#rows .expires")[1] in ("4 min", "5 min")


def test_without_scripts_it_shows_the_same(browser: Browser, site: Site):
    with browser.page() as page:
        page.ask("Emulation.setScriptExecutionDisabled", value=True)
        page.open(site.url + "?state=failing")

        assert names(page) == ["backup"]
        assert page.texts("#rows .badge") == ["failing"]
        assert page.texts("fieldset b") == ["3", "2", "1", "0", "0"]
        assert page.look("document.forms[0].state.value") == "failing"


def test_a_click_on_a_heading_sorts_and_another_one_turns_it_round(page: Page):
    assert sorted_by(page) == {"name": "ascending"}

    page.click("[data-key=series] button")
    assert names(page) == ["mailer", "backup", "shop"]
    assert sorted_by(page) == {"series": "ascending"}

    page.click("[data-key=series] button")
    assert names(page) == ["shop", "backup", "mailer"]
    assert sorted_by(page) == {"series": "descending"}


@pytest.mark.parametrize(
    ("key", "order"),
    [
        ("state", ["backup", "mailer", "shop"]),
        ("name", ["shop", "mailer", "backup"]),
        ("age", ["backup", "mailer", "shop"]),
        ("interval", ["backup", "mailer", "shop"]),
        ("expires", ["mailer", "backup", "shop"]),
        ("series", ["mailer", "backup", "shop"]),
        ("source", ["backup", "mailer", "shop"]),
        ("remarks", ["backup", "mailer", "shop"]),
    ],
)
def test_every_column_sorts(page: Page, key: str, order: list[str]):
    page.click(f"[data-key={key}] button")

    assert names(page) == order
    assert key in sorted_by(page)


def test_the_keyboard_sorts_as_well(page: Page):
    page.look("document.querySelector('[data-key=name] button').focus()")
    page.press("Enter")
    assert names(page) == ["shop", "mailer", "backup"]
    page.press("Tab")
    page.press(" ")
    assert sorted_by(page) == {"age": "ascending"}


def test_searching_leaves_what_matches(page: Page):
    page.click("input[type=search]")
    page.type("NOT A NUM")

    assert names(page) == ["backup"]
    assert page.texts("fieldset b") == ["1", "0", "1", "0", "0"]
    page.type("!")
    assert names(page) == []
    assert page.look("document.getElementById('empty').checkVisibility()")


def test_a_state_leaves_who_is_in_it(page: Page):
    page.click("label:has([value=failing])")
    assert names(page) == ["backup"]

    page.click("label:has([value=''])")
    assert len(names(page)) == 3


def test_the_address_leads_back_to_the_same_view(page: Page):
    page.click("label:has([value=ok])")
    page.click("[data-key=series] button")
    page.click("[data-key=series] button")
    address = page.look("location.href")

    page.open(address)
    page.until("apps !== null")

    assert address.endswith("?state=ok&sort=-series")
    assert names(page) == ["shop", "mailer"]
    assert sorted_by(page) == {"series": "descending"}


def test_what_is_new_appears_without_reloading(page: Page, site: Site):
    page.look("window.same = document.querySelector('#rows tr')")
    page.click("details summary")
    page.click("[data-key=name] button")
    page.click("input[type=search]")
    page.type("p")

    site.push("printer", "p 1\n")
    page.until("document.querySelector('#rows').textContent.includes('printer')")

    assert names(page) == ["shop", "printer", "backup"]
    assert page.look("same === document.querySelector('#rows tr:last-child')")
    assert page.look("document.querySelector('details').open")
    assert page.look("document.activeElement.type") == "search"


def test_what_is_deleted_goes_and_what_recovers_is_well(page: Page, site: Site):
    site.get("/apps/shop", "DELETE")
    site.push("backup", "b 2\n")
    refresh(page)

    assert names(page) == ["backup", "mailer"]
    assert page.texts("#rows .badge") == ["ok", "ok"]
    assert page.texts("details") == []


def test_ages_go_on_by_themselves(page: Page):
    page.until("document.querySelector('#rows time').textContent === '2 s'")


def test_an_error_is_shown_in_full_on_demand(page: Page, site: Site):
    site.fail("backup", "line 3: " + "very " * 100 + "long")
    refresh(page)
    full = "document.querySelector('details pre').checkVisibility()"
    assert not page.look(full)

    page.click("details summary")

    assert page.look(full)
    assert page.texts("details pre")[0].endswith("very long")


def test_pausing_stops_the_clock_and_resuming_catches_up(page: Page, site: Site):
    page.click("#pause")
    assert page.look("document.getElementById('pause').ariaPressed") == "true"
    assert page.texts("#updated")[0].startswith("Paused at ")
    site.push("printer", "p 1\n")
    assert "printer" not in names(page)

    page.click("#pause")

    page.until("document.querySelector('#rows').textContent.includes('printer')")
    assert page.texts("#updated")[0].startswith("As of ")


def test_a_proxy_that_does_not_answer_is_no_secret(browser: Browser):
    with browser.page() as page:
        with Site().open() as site:
            site.push("shop")
            page.open(site.url)
            page.until("apps !== null")
        refresh(page)

        assert page.look("document.getElementById('problem').checkVisibility()")
        assert "The proxy does not answer" in page.texts("#problem")[0]
        assert names(page) == ["shop"]


def test_nothing_that_was_sent_becomes_markup(page: Page, site: Site):
    site.push(HOSTILE, "h 1\n", source=HOSTILE)
    site.fail("mailer", HOSTILE)
    for _ in range(2):
        refresh(page)
        assert HOSTILE in names(page)
        assert HOSTILE in page.texts("#rows .source")
        assert HOSTILE in page.texts("#rows pre")
        assert page.look("document.images.length + document.scripts.length") == 1
        assert page.look("document.title") == "Applications - exporter_proxy"
        page.open(site.url)
        page.until("apps !== null")


def test_the_browser_runs_no_script_but_the_page_s_own(browser: Browser, site: Site):
    with browser.page() as page:
        page.open(site.url)
        page.look(
            "document.body.insertAdjacentHTML('beforeend',"
            "'<img src=data:, onerror=\"document.title=1\">');"
            "document.body.append(Object.assign(document.createElement('script'),"
            "{text: 'document.title=2'}))"
        )
        page.until("document.images[0].complete")

        assert page.look("document.title") == "Applications - exporter_proxy"
        assert any("Content Security Policy" in each for each in page.problems)


def test_what_cannot_be_seen_is_made_visible(page: Page, site: Site):
    site.fail("mailer", "a\u202eb\x1b[2J\u2028c")
    refresh(page)

    assert "a\\u{202e}b\\u{1b}[2J\\u{2028}c" in page.texts("#rows .remarks")


def test_ten_thousand_applications_are_no_trouble(page: Page, site: Site):
    def fill() -> None:
        for number in range(10_000):
            site.applications.expect(f"app-{number}", "json", "10.0.0.7:41000")

    site.let(fill)
    refresh(page)

    assert page.look("apps.length") == 10_003
    assert len(names(page)) == 500
    assert page.texts("#more") == ["9,503 more"]
    milliseconds = page.look(
        "(begin => {document.querySelector('[data-key=name] button').click();"
        "document.body.offsetHeight; return performance.now() - begin})"
        "(performance.now())"
    )
    assert milliseconds < 2000
    page.look("document.getElementById('more').scrollIntoView()")
    page.until("document.querySelectorAll('#rows tr').length >= 1000")
    top = page.look("scrollY")
    refresh(page)
    assert page.look("scrollY") == top > 1000


def test_it_fits_a_phone(page: Page, site: Site):
    site.fail("x" * 190, "line 1: " + "y" * 300)
    page.resize(360, 740)
    refresh(page)

    assert page.look("document.documentElement.scrollWidth") <= 360

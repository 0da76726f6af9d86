"""The report in a browser: a reader's eyes and hands."""

import base64
import csv
import io
from pathlib import Path

import matplotlib.image
import numpy as np
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

# A figure may be a line of words, which is low.
DRAWN = "return arguments[0].complete && arguments[0].naturalWidth > 300 && arguments[0].naturalHeight > 20"
READ = """
const cells = row => [...row.cells].map(cell => cell.textContent)
return document.readyState == "complete" && document.querySelector("h1") && {
  title: document.querySelector("h1").textContent,
  headings: [...document.querySelectorAll("summary")].map(heading => heading.textContent),
  tables: [...document.querySelectorAll("table")].map(table => [...table.rows].map(cells)),
}"""


class Report:
    """The report as a reader uses it: by what it says, and by clicks."""

    def __init__(self, driver, address: str):
        self.driver = driver
        driver.get(address)

    def wait(self, condition):
        """What the condition gives, once that is true; fails after 30 seconds. The page may be drawn anew meanwhile."""
        waiting = WebDriverWait(self.driver, 30, ignored_exceptions=[StaleElementReferenceException])
        return waiting.until(lambda _: condition())

    def all(self, selector: str) -> list:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def menu(self) -> dict:
        """The entries of the menu by their text."""
        return {link.text: link for link in self.all("nav li a") if link.text}

    def go(self, *entries: str) -> None:
        """From the start page, entry by entry."""
        self.wait(lambda: self.all("nav ol a"))[0].click()
        for entry in entries:
            self.wait(lambda entry=entry: self.menu().get(entry)).click()

    def rows(self) -> dict:
        """The results listed at the left: by name, two buttons, one to see it and one to know more."""
        rows = self.all("nav tbody tr")
        return {row.find_element(By.TAG_NAME, "td").text: row.find_elements(By.TAG_NAME, "a") for row in rows}

    def see(self, name: str) -> None:
        self.wait(self.rows)[name][0].click()

    def description(self, name: str) -> str:
        """What the report says of a result."""
        self.wait(self.rows)[name][1].click()
        return words(self.wait(lambda: self.all("nav li.prose"))[0].text)

    def picture(self, file: Path):
        """The picture that is shown, once it is the one of a file."""
        content = base64.b64encode(file.read_bytes()).decode()
        source = f"data:image/svg+xml;charset=utf8;filename={file.name};base64,{content}"
        image = self.wait(lambda: [one for one in self.all("img") if one.get_attribute("src") == source])[0]
        self.wait(lambda: self.driver.execute_script(DRAWN, image))
        return image

    def page(self, title: str) -> dict:
        """The page that is shown, once it has this title: headings of its sections, and the cells of their tables."""

        def read() -> dict | None:
            self.driver.switch_to.frame(self.all("iframe")[0])
            found = self.driver.execute_script(READ)
            self.driver.switch_to.default_content()
            return found if found and found["title"] == title else None

        self.wait(lambda: self.all("iframe"))
        return self.wait(read)


def words(text: str) -> str:
    return " ".join(text.split())


def colours(picture: bytes) -> tuple[int, float]:
    """How many colours a PNG has, and the share of its points that are not of the most frequent one."""
    points = matplotlib.image.imread(io.BytesIO(picture), format="png")
    _, counts = np.unique(points.reshape(-1, points.shape[-1]), axis=0, return_counts=True)
    return len(counts), 1 - counts.max() / counts.sum()


def table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))

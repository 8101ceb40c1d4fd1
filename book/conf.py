"""Sphinx's settings for the course's site; `tools/website/book.py` lays the pages beside this file and builds."""

import re
from gettext import NullTranslations
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.locale import translators
from sphinx.search.en import SearchEnglish

HERE = Path(__file__).resolve().parent
WHERE = (HERE / "address.txt").read_text(encoding="utf-8").strip()  # OWNER/NAME

project = "U-Net, step by step"
author = "the U-Net, step by step authors"
copyright = "MIT (code), CC BY 4.0 (text and figures)"  # Sphinx's own name for it
language = "en"
extensions = ["myst_nb", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["_build", "address.txt", "paper"]  # the paper is for a journal, not for the site
templates_path = ["_templates"]

# the notebooks are shown as they are stored: run and checked elsewhere
nb_execution_mode = "off"
nb_merge_streams = True
suppress_warnings = ["misc.highlighting_failure"]  # IPython's %pip with a $name is no Python
nb_mime_priority_overrides = [("html", "image/png", 0), ("html", "text/html", 10), ("html", "text/plain", 20)]
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3

default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_inherit_docstrings = False  # else torch speaks for its own forward
numpydoc_show_class_members = False
python_use_unqualified_type_names = True

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["course.css"]
html_js_files = ["labs.js", "course.js"]
html_show_sourcelink = False
html_copy_source = False
html_use_index = html_domain_indices = False  # the search finds names
html_theme_options = {"use_download_button": False, "show_toc_level": 2}
if not WHERE.startswith("OWNER/"):  # no button leads to an address that is not known yet
    html_theme_options |= {
        "repository_url": f"https://github.com/{WHERE}",
        "repository_branch": "main",
        "path_to_docs": "",
        "use_repository_button": True,
        "launch_buttons": {"colab_url": "https://colab.research.google.com", "binderhub_url": "https://mybinder.org",
                           "notebook_interface": "jupyterlab"},
    }


def mathml(inline):
    """Mathematics as MathML, which browsers draw themselves: no script, no network, and a screen reader can read it."""
    def visit(self, node):
        text = node.astext().strip().replace("\\dots", "\\ldots")  # docutils knows the latter
        math = tex2mathml(text, as_block=not inline)
        if inline and len(text) > 40:  # a phone scrolls it in its own frame: browsers break no line in mathematics
            math = f'<span class="math long" tabindex="0" role="group" aria-label="formula">{math}</span>'
        if not inline:
            math = f'<div class="math" tabindex="0" role="group" aria-label="formula">{math}</div>'
        self.body.append(re.sub(r"\n\s*", " ", math))
        raise nodes.SkipNode
    return visit


class SearchBoth(SearchEnglish):
    """English words, and Chinese as pairs of characters: it has no spaces, and most of its terms have two or more."""

    js_splitter_code = r"""
var splitQuery = (query) =>
  query
    .replace(/[\u4e00-\u9fff]{2,}/g, (run) => " " + [...run.slice(1)].map((next, i) => run[i] + next).join(" ") + " ")
    .split(/[^\p{Letter}\p{Number}_\p{Emoji_Presentation}]+/gu)
    .filter((word) => word);
"""

    def split(self, text):
        def pairs(match):
            return f" {' '.join(map(''.join, zip(match[0], match[0][1:])))} "
        return super().split(re.sub(r"[\u4e00-\u9fff]{2,}", pairs, text))


CHINESE = {  # what the theme writes on a page and its buttons
    "Skip to main content": "跳到正文", "Back to top": "回到顶部", "Search": "搜索", "Site navigation": "网站导航",
    "On this page": "本页内容", "Contents": "目录", "previous": "上一页", "next": "下一页", "previous page": "上一页",
    "next page": "下一页", "Toggle primary sidebar": "显示或隐藏导航", "Toggle secondary sidebar": "显示或隐藏目录",
    "Fullscreen mode": "全屏", "Color mode": "颜色模式", "System Settings": "跟随系统", "Light": "亮色", "Dark": "暗色",
    "Version warning": "版本警告", "By": "作者：", "By the": "作者：", "Launch": "启动", "Source repository": "源码仓库",
    "repository": "仓库",
}


class Chinese(NullTranslations):
    """The words of CHINESE; all others stay."""

    def gettext(self, message):
        return CHINESE.get(message, message)


def in_chinese(app, pagename, templatename, context, doctree):
    """A screen reader has to know which pages are Chinese; on these the theme's words are so too."""
    chinese = pagename.startswith(("zh/", "notebooks/zh/"))
    words = Chinese() if chinese else NullTranslations()
    for catalogue in ("sphinx", "booktheme"):
        translators["general", catalogue] = words
    context["gettext"] = words.gettext
    if chinese:
        context["language"] = "zh-CN"


def setup(app):
    app.add_search_language(SearchBoth)  # in the place of the English one
    app.connect("html-page-context", in_chinese, priority=1)  # before the theme names its buttons
    app.add_html_math_renderer("mathml", (mathml(True), None), (mathml(False), None))


html_math_renderer = "mathml"

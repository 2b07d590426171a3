"""The words of the site's own controls, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping

from workbook.render.strings import said

LANGUAGE_NAMES = {"zh": "中文", "en": "English", "bilingual": "对照"}
_WORDS = {
    "zh": {
        "skip": "跳到正文", "contents": "目录", "close": "关闭目录", "previous": "上一章",
        "next": "下一章", "pages": "前后章节", "languages": "语言", "anchor": "本节链接",
        "appendices": "附录", "here": "本页内容", "top": "回到开头", "take": "本章的代码",
        "notebook": "Jupyter 笔记本", "script": "Python 脚本", "books": "整本书",
    },
    "en": {
        "skip": "Skip to the text", "contents": "Contents", "close": "Close contents",
        "previous": "Previous", "next": "Next", "pages": "Previous and next chapter",
        "languages": "Language", "anchor": "Link to this section",
        "appendices": "Appendices", "here": "On this page", "top": "Back to top",
        "take": "Code of this chapter", "notebook": "Jupyter notebook",
        "script": "Python script", "books": "Whole book",
    },
}  # fmt: skip
_SPOKEN = {  # what the script says
    "zh": {
        "copy": "复制", "copied": "已复制", "failed": "无法复制",
        "system": "跟随系统", "light": "浅色", "dark": "深色", "theme": "外观",
        "search": "搜索", "query": "要找的词", "none": "没有找到", "found": "找到 {} 处",
        "more": "更多结果", "shut": "关闭", "looking": "正在搜索…",
        "offline": "从文件夹直接打开网页时，浏览器不允许读取索引。在书的根目录运行 "
        "workbook serve，再打开它给出的网址，就可以搜索。",
        "broken": "读不到搜索索引。请重新生成网站。",
        "saved": "已存在这个浏览器里", "unsaved": "没能保存：浏览器不允许", "clear": "清空",
        "sure": "再按一次清空", "export": "导出本页的作答", "hint": "再给一条提示",
    },
    "en": {
        "copy": "Copy", "copied": "Copied", "failed": "Cannot copy",
        "system": "System", "light": "Light", "dark": "Dark", "theme": "Appearance",
        "search": "Search", "query": "Words to find", "none": "Nothing found",
        "found": "{} found", "more": "More results", "shut": "Close", "looking": "Searching…",
        "offline": "A page opened straight from a folder may not read the index. Run "
        "workbook serve in the book's root folder and open the address that it prints: "
        "there you can search.",
        "broken": "The index cannot be read. Build the site again.",
        "saved": "Saved in this browser", "unsaved": "Not saved: the browser refuses",
        "clear": "Clear", "sure": "Press again to clear",
        "export": "Export this page’s answers", "hint": "One more hint",
    },
}  # fmt: skip


def words(lang: str) -> Mapping[str, str]:
    """What the template says; an edition in both languages says everything twice."""
    return said(_WORDS, lang)


def spoken(lang: str) -> Mapping[str, str]:
    """What the script says."""
    return said(_SPOKEN, lang)

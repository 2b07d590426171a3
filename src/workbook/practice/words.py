"""What readers are told, in both languages: one table, so that none is forgotten."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from workbook.source.edition import LANGUAGES

_ZH = {
    # how an exercise stands
    "pass": "通过",
    "fail": "不对",
    "error": "出错",
    "todo": "没做",
    # labels below an exercise that did not pass
    "slip": "看看",
    "case": "情形",
    "claim": "检查",
    "expected": "应得",
    "came": "得到",
    "printed": "打印",
    # causes
    "untouched": "还没动笔",
    "unfinished": "还没写完：raise NotImplementedError 还在",
    "unusable": "检查用不了你返回的东西：{error}",
    "raised": "{error}",
    "syntax": "这一段读不通：{error}",
    "missing": "找不到 {detail}：函数和类的名字要和原来一样，import 的那几行也留着",
    "exit": "你的代码让 Python 退出了（{error}）；函数里用 return，不用 sys.exit",
    "quit": "检查还没做完，进程自己结束了（退出状态 {detail}）；是不是用了 os._exit？",
    "crash": "Python 解释器崩溃了（{signal}）",
    "time": "算了 {detail} 秒还没有结果，已经停下；多半是循环没有尽头",
    "memory": "内存不够：一道题最多用 {detail} GB；"
    "看看是不是多出了一个维度，或者列表一直在变长",
    "output": "打印得太多，超过了 {detail} MB，已经停下；多半是 print 放进了循环里",
    "recursion": "递归没有尽头：函数一层层调用自己，停不下来",
    "asked": "代码在等人输入；检查时没有人在键盘前，去掉 input()",
    "left-behind": "检查做完了，你的代码启动的进程还没有结束；用 join() 等它，或者别启动",
    "replaced": "你的代码把 {detail} 换成了别的东西，检查要用原来的；给你的函数另起一个名字",
    "setting": "你的代码运行以后，{detail} 和先前不一样了；用完把它设回去，或者用 with 语句",
    "no-file": "没有 {file} 这个文件；{workbook} reset {slug} 会重新写一份",
    "no-marker": "{file} 里没有 “# %% {id}” 这一行；放回你那段代码的上面，"
    "或者用 {workbook} reset {name} 重新开始这道题",
    "encoding": "这一行不是 UTF-8；把 {file} 另存为 UTF-8 编码",
    "on-paper": "纸上的题，用 {workbook} answer {name} 对答案",
    "answered": "已经用 {workbook} answer 答对",
    # slips that every exercise may have
    "slip:keys": "键不对：名字和个数要和题目里说的一样。",
    "slip:shape": "形状不对。先在纸上写出每一步的形状。",
    "slip:dtype": "形状和值之外，元素类型（dtype）也要对。",
    "slip:type": "返回的东西类型不对；看看文档字符串说该返回什么。",
    "slip:value": "形状对了，值不对。拿最小的例子在纸上算一遍。",
    "slip:input": "你的函数改动了传进来的东西；另做一份再改。",
    "slip:raises": "这种情形该抛出题目说的那个异常，不能照常返回，也不能抛出别的。",
    "slip:returns": "函数什么也没有返回（得到的是 None）；是不是忘了 return？",
    # summaries
    "try:counts": "通过 {passed}，不对 {failed}，出错 {errors}，没做 {todo}；"
    "共 {total} 题，{seconds:.1f} 秒",
    "try:next": "下一步：{workbook} hint {name}",
    "try:loading": "正在载入 PyTorch……",
    "try:running": "正在检查 {name}……",
    "try:stopped": "停下了；已经检查过的都记在 {file} 里",
    "more": "……后面还有，略去",
    "watch:on": "盯着 {files}，保存就重新检查；按 Ctrl-C 停下",
    "watch:again": "── {time} 改动了 {file}",
    "watch:off": "不再盯着了",
    # hints
    "hint": "提示 {number}/{count}",
    "hint:more": "还不够？再运行一次，给下一条",
    "hint:last": "这是最后一条",
    "hint:none": "{name} 的提示都给过了（{count} 条）；加上 --again 再看一遍",
    "hint:solution": "解答在书末“答案”里 {title} 一条；网页版在这道题下面，点开就是",
    # progress
    "progress:total": "合计",
    "progress:all": "全部做完了！",
    "progress:next": "接下来：{name}  {title}",
    "progress:command": "  {workbook} try {name}",
    "progress:file": "记录在 {file}，可以手改",
    # reset
    "reset:done": "{name} 恢复原样",
    "reset:kept": "你写过的存到了 {file}",
    "reset:new": "重新写了 {file}",
    "reset:same": "{name} 本来就是原样",
    # answers on paper
    "answer:asks": "{name}  {title}",
    "answer:form": "写成 Python 的值。例如：",
    "answer:keys": "一次答几个都行，答对的会记住",
    "answer:right": "对",
    "answer:wrong": "不对",
    "answer:all": "{name} 全答对了，已记下",
    "answer:left": "还差：{names}",
    "answer:lost": "答案没能检查完：{error}",
    # what went wrong with the command
    "no:exercise": "没有叫 {name} 的题目或章节",
    "no:close": "；你是不是想写 {names}？",
    "no:list": "；{workbook} progress 列出了所有章节",
    "no:paper": "{name} 要写代码，不是在纸上算的；写在 {file} 里，再运行 {workbook} try {name}",
    "no:book": "这里不是书的文件夹；先 cd 到放着 _quarto.yml 的文件夹",
    "no:value": "读不懂 {text}；写一个 Python 的值，例如 3、1/3、(2, 4)、[1, 2]，"
    "有括号时两头加单引号",
    "no:key": "没有 {key} 这一项；这道题问的是 {names}",
    "no:key-wanted": "不知道 {text} 是哪一项的；写成 {example}",
    "no:fork": "这条命令要在 Linux 或 macOS 上用；Windows 请装 WSL",
    "no:write": "写不了 {file}（{error}）；看看你对这个文件夹有没有写的权限",
    "bad:progress": "{file}:{line}：{what}；改好这一行，或者把文件改名放到一边，再从头记起",
    "bad:yaml": "不是 YAML",
    "bad:list": "这里应当是“题目: 内容”，每道题一项",
    "bad:entry": "{name} 的下面应当是 state、hints 这样的几行",
    "bad:state": "state 只能是 pass、fail、error、todo",
    "bad:hints": "hints 应当是一个不小于 0 的整数",
    "bad:answers": "answers 下面应当是“名字: 值”",
}
_EN = {
    "pass": "pass",
    "fail": "fail",
    "error": "error",
    "todo": "to do",
    "slip": "look at",
    "case": "case",
    "claim": "check",
    "expected": "expected",
    "came": "came",
    "printed": "printed",
    "untouched": "not begun",
    "unfinished": "not finished: raise NotImplementedError is still there",
    "unusable": "the check cannot use what you return: {error}",
    "raised": "{error}",
    "syntax": "Python cannot read this piece: {error}",
    "missing": "{detail} is not there: keep the names of functions and classes, and the "
    "imports",
    "exit": "your code makes Python exit ({error}); in a function write return, not sys.exit",
    "quit": "the process ended before the check was through (exit status {detail}); "
    "does your code call os._exit?",
    "crash": "the Python interpreter crashed ({signal})",
    "time": "no result after {detail} s of computing, so it was stopped; most likely a loop "
    "never ends",
    "memory": "out of memory: an exercise may use {detail} GB; is there a dimension too "
    "many, or a list that keeps growing?",
    "output": "it printed more than {detail} MB, so it was stopped; most likely a print stands "
    "in a loop",
    "recursion": "the recursion never ends: a function keeps calling itself",
    "asked": "your code waits for somebody to type, and nobody is there; take input() out",
    "left-behind": "the check is through, but a process that your code started still runs; "
    "wait for it with join(), or start none",
    "replaced": "your code puts something else in place of {detail}, which the check needs; "
    "give your function another name",
    "setting": "after your code has run, {detail} is not what it was; set it back, or use a "
    "with statement",
    "no-file": "there is no file {file}; {workbook} reset {slug} writes it anew",
    "no-marker": 'the line "# %% {id}" is missing in {file}; put it back above your code, or '
    "begin this exercise anew with {workbook} reset {name}",
    "encoding": "this line is not UTF-8; save {file} in the encoding UTF-8",
    "on-paper": "on paper: {workbook} answer {name}",
    "answered": "answered with {workbook} answer",
    "slip:keys": "The keys are not those that the exercise asks for.",
    "slip:shape": "The shape is wrong. Write down the shape after each step.",
    "slip:dtype": "Shape and values aside, the dtype has to be right, too.",
    "slip:type": "What you return is of the wrong type; the docstring says what is wanted.",
    "slip:value": "The value is wrong. Work the smallest example through on paper.",
    "slip:input": "Your function changes what it was given; make a copy and change that.",
    "slip:raises": "This case should raise the exception that the exercise names: no result, "
    "and no other exception.",
    "slip:returns": "The function returns nothing (None came back). Is a return missing?",
    "try:counts": "{passed} passed, {failed} failed, {errors} with errors, {todo} to do; "
    "{total} in all, {seconds:.1f} s",
    "try:next": "next: {workbook} hint {name}",
    "try:loading": "loading PyTorch …",
    "try:running": "checking {name} …",
    "try:stopped": "stopped; what was checked so far is kept in {file}",
    "more": "… and more, left out",
    "watch:on": "watching {files}: save, and what changed is checked again; Ctrl-C stops",
    "watch:again": "── {time} {file} changed",
    "watch:off": "no longer watching",
    "hint": "hint {number}/{count}",
    "hint:more": "Not enough? Run this again for the next one.",
    "hint:last": "That was the last one.",
    "hint:none": "{name}: you have had all hints ({count}); --again shows them once more",
    "hint:solution": "The solution stands under {title} in the appendix “Answers”; on the site "
    "it is below the exercise, folded",
    "progress:total": "in all",
    "progress:all": "Everything is done.",
    "progress:next": "next: {name}  {title}",
    "progress:command": "  {workbook} try {name}",
    "progress:file": "kept in {file}, which you may edit",
    "reset:done": "{name} is as it was at first",
    "reset:kept": "what you had written is kept in {file}",
    "reset:new": "wrote {file} anew",
    "reset:same": "{name} is untouched anyway",
    "answer:asks": "{name}  {title}",
    "answer:form": "Type Python values. For example:",
    "answer:keys": "Answer as many at a time as you like; right ones are remembered.",
    "answer:right": "right",
    "answer:wrong": "wrong",
    "answer:all": "{name}: all right, and noted down",
    "answer:left": "still open: {names}",
    "answer:lost": "the answer could not be checked: {error}",
    "no:exercise": 'there is no exercise or chapter "{name}"',
    "no:close": "; did you mean {names}?",
    "no:list": "; {workbook} progress lists the chapters",
    "no:paper": "{name} asks for code, not for a value; write it in {file}, then run "
    "{workbook} try {name}",
    "no:book": "this is not the book's folder; cd to the one that holds _quarto.yml",
    "no:value": "cannot read {text}; type a Python value such as 3, 1/3, (2, 4) or [1, 2], "
    "in single quotes where there are brackets",
    "no:key": "{key} is not asked for; this exercise asks for {names}",
    "no:key-wanted": "{text} could belong to any part; write {example}",
    "no:fork": "this command runs on Linux and macOS; on Windows, use WSL",
    "no:write": "cannot write {file} ({error}); may you write to that folder?",
    "bad:progress": "{file}:{line}: {what}; mend the line, or put the file aside under "
    "another name to begin anew",
    "bad:yaml": "this is not YAML",
    "bad:list": 'here should be "exercise: …", one for each exercise',
    "bad:entry": "below {name} should be lines such as state and hints",
    "bad:state": "state is one of pass, fail, error, todo",
    "bad:hints": "hints is a whole number, 0 or more",
    "bad:answers": 'below answers should be "name: value"',
}
WORDS: Mapping[str, Mapping[str, str]] = {"zh": _ZH, "en": _EN}


class ReaderError(Exception):
    """Stops a reader's command; says in their language what is wrong and what to do."""


def say(lang: str, key: str, /, **values: object) -> str:
    """A sentence of the table, filled in."""
    return WORDS[lang][key].format(**{"workbook": program(), **values})


@functools.cache
def program() -> str:
    """The command as the reader has to type it: with its folder, if that is not on the path."""
    path = Path(sys.argv[0])
    found = shutil.which("workbook")
    if path.name != "workbook" or (found and Path(found).samefile(path)):
        return "workbook"
    return os.path.relpath(path)


def reader_language(given: str | None = None) -> str:
    """The language asked for, else that of the locale: Chinese where it says so."""
    if given in LANGUAGES:
        return str(given)
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next((name for name in names if name), "")
    return "zh" if locale.lower().startswith("zh") else "en"

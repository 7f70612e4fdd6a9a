"""The layout of an email: plain text, and HTML that fits a phone at night.

Tables, and styles in every element, as mail programs know little else; no images, no scripts,
nothing to load.
"""

from html import escape
from string import Template
from typing import Final

from notify.channels.said import Words
from notify.channels.text import clean_lines, cut, disarmed
from notify.channels.tones import COLOURS
from notify.channels.words import words
from opsknight.incident.model import Status
from opsknight.notification.message import Message, PageReason

LONGEST_TITLE: Final = 500
_LONGEST_DETAILS: Final = 4000
_LONGEST_LARGE: Final = 150

_FONT: Final = "font-family:-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Arial,sans-serif"

# The classes change colours where the mail program is dark; the styles hold everywhere else.
_PAGE: Final = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>OpsKnight</title>
<style>
:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (prefers-color-scheme: dark) {
  .page { background: #0c111d !important; }
  .card { background: #161b26 !important; border-color: #333741 !important; }
  .ink { color: #f5f5f6 !important; }
  .soft { color: #94969c !important; }
  .line { border-color: #333741 !important; }
  .code { background: #0c111d !important; color: #cecfd2 !important; }
}
@media (max-width: 480px) {
  .page { padding: 0 !important; }
  .card { border-radius: 0 !important; border-left: 0 !important; border-right: 0 !important; }
  .inner { padding: 20px 18px !important; }
}
</style>
</head>
<body class="page" style="margin:0;padding:0;background:#f2f4f7;">
<div style="display:none;max-height:0;overflow:hidden;">$preview</div>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">
<tr><td class="page" align="center" style="padding:24px 12px;background:#f2f4f7;">
<table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0" border="0"
 style="max-width:560px;background:#ffffff;border:1px solid #e4e7ec;border-radius:12px;\
border-collapse:separate;overflow:hidden;">
<tr><td style="height:6px;line-height:6px;font-size:0;background:$colour;">&nbsp;</td></tr>
<tr><td class="inner" style="padding:24px 28px;$font">
$content
</td></tr>
</table>
<p class="soft" style="margin:16px 0 0;font-size:12px;line-height:18px;color:#667085;$font">
$foot</p>
</td></tr>
</table>
</body>
</html>
""")


def render(message: Message) -> tuple[str, str]:
    """Text and HTML."""
    said = words(message)
    return _text(message, said), _html(message, said)


def _details(message: Message) -> str:
    """The first alert's custom details, so that nobody has to log in for them."""
    if len(message.incidents) != 1 or message.incidents[0].status is Status.RESOLVED:
        return ""
    return cut(clean_lines(message.incidents[0].details or "").strip("\n"), _LONGEST_DETAILS)


def _foot(message: Message, said: Words) -> str:
    # The console asks whoever opens it who they are.
    personal = isinstance(message.about, PageReason) and message.about is not PageReason.REPORT
    if said.link and personal:
        return "Sent by OpsKnight. The link is yours alone: do not forward it."
    return "Sent by OpsKnight."


def _text(message: Message, said: Words) -> str:
    # Mail programs make links of whatever looks like one, so that only ours may.
    lines = [disarmed(said.headline(LONGEST_TITLE)), disarmed(f"{said.happened}.")]
    if said.facts:
        lines += ["", *(f"{name}: {disarmed(said.shown(value))}" for name, value in said.facts)]
    if said.references:
        lines += ["", *(f"{label}: {url}" for label, url in said.references)]
    if said.listed:
        lines += ["", *(f"- {disarmed(line)}" for line in said.listed)]
        lines += [f"  {said.more}"] if said.more else []
    if said.todo:
        lines += ["", said.todo]
    if said.link:
        lines += ["", f"{said.link_label}:", said.link]
    if details := _details(message):
        lines += ["", "Details:", disarmed(details)]
    return "\n".join([*lines, "", "-- ", _foot(message, said), ""])


def _html(message: Message, said: Words) -> str:
    colour = COLOURS[said.tone]
    parts = []
    if said.label:
        parts.append(
            f'<span style="display:inline-block;padding:2px 10px;border-radius:12px;'
            f"background:{colour};color:#ffffff;font-size:12px;line-height:20px;"
            f'font-weight:600;letter-spacing:.04em;">{escape(said.label)}</span>'
        )
    # A long title must not push the button off the screen.
    size = "20px;line-height:28px" if len(said.title) <= _LONGEST_LARGE else "15px;line-height:21px"
    parts.append(
        f'<h1 class="ink" dir="auto" style="margin:12px 0 6px;font-size:{size};'
        'font-weight:600;color:#101828;word-break:break-word;overflow-wrap:anywhere;">'
        f"{escape(cut(said.title, LONGEST_TITLE))}</h1>"
    )
    parts.append(_paragraph(said.happened, "ink", "#344054"))
    if said.facts:
        parts.append(_facts(said))
    if said.references:
        parts.append(_references(said))
    if said.listed:
        parts.append(_list(said))
    if said.todo:
        parts.append(_paragraph(said.todo, "ink", "#344054", above=16))
    if said.link:
        parts.append(_button(said.link, said.link_label, colour))
    if details := _details(message):
        parts.append(
            '<pre class="code" dir="auto" style="margin:20px 0 0;padding:12px;border-radius:8px;'
            "background:#f9fafb;color:#344054;font:12px/18px ui-monospace,Menlo,Consolas,monospace;"
            'white-space:pre-wrap;word-break:break-word;overflow-wrap:anywhere;">'
            f"{escape(details)}</pre>"
        )
    return _PAGE.substitute(
        preview=escape(f"{said.happened}. {said.todo}".strip()),
        colour=colour,
        content="\n".join(parts),
        foot=escape(_foot(message, said)),
        font=f"{_FONT};",
    )


def _paragraph(text: str, kind: str, colour: str, above: int = 0) -> str:
    return (
        f'<p class="{kind}" style="margin:{above}px 0 0;font-size:16px;line-height:24px;'
        f'color:{colour};overflow-wrap:anywhere;">{escape(text)}</p>'
    )


def _facts(said: Words) -> str:
    rows = (
        '<tr><td class="soft" valign="top" style="padding:4px 16px 4px 0;font-size:14px;'
        f'line-height:20px;color:#667085;white-space:nowrap;">{escape(name)}</td>'
        '<td class="ink" valign="top" style="padding:4px 0;font-size:14px;line-height:20px;'
        f'color:#101828;overflow-wrap:anywhere;">{escape(said.shown(value))}</td></tr>'
        for name, value in said.facts
    )
    return (
        '<table role="presentation" cellpadding="0" cellspacing="0" border="0" '
        f'style="margin-top:16px;">{"".join(rows)}</table>'
    )


def _references(said: Words) -> str:
    links = " &nbsp; ".join(
        f'<a href="{escape(url)}" style="color:#1570ef;font-weight:600;">{escape(label)}</a>'
        for label, url in said.references
    )
    return (
        '<p style="margin:16px 0 0;font-size:16px;line-height:28px;overflow-wrap:anywhere;">'
        f"{links}</p>"
    )


def _list(said: Words) -> str:
    rows = "".join(
        '<tr><td class="ink line" dir="auto" style="padding:10px 0;border-bottom:1px solid #e4e7ec;'
        f'font-size:15px;line-height:22px;color:#101828;overflow-wrap:anywhere;">'
        f"{escape(line)}</td></tr>"
        for line in said.listed
    )
    more = (
        f'<tr><td class="soft" style="padding:10px 0 0;font-size:15px;line-height:22px;'
        f'color:#667085;">{escape(said.more)}</td></tr>'
        if said.more
        else ""
    )
    return (
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" '
        f'style="margin-top:12px;">{rows}{more}</table>'
    )


def _button(link: str, label: str, colour: str) -> str:
    # 48 pixels high: a thumb finds it without looking for glasses.
    return (
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" '
        'style="margin-top:20px;"><tr>'
        f'<td align="center" style="border-radius:8px;background:{colour};">'
        f'<a href="{escape(link)}" style="display:block;padding:12px 20px;font-size:16px;'
        'line-height:24px;font-weight:600;color:#ffffff;text-decoration:none;border-radius:8px;">'
        f"{escape(label)}</a></td></tr></table>"
    )

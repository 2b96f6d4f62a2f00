/*
 * status_style: one style sheet.  On a narrow page a table's rows become
 * cards whose cells carry their column's name (data-l).
 */
#include "ops/status_style.h"

#include <stddef.h>

const char *const status_style[] = {
	":root{color-scheme:light dark;--bg:#f5f6f8;--card:#fff;--ink:#1a1f26;"
	"--soft:#5a6472;--line:#e2e6eb;--hover:#f9fafb;--good:#197a4b;"
	"--warn:#8f5f00;--bad:#b93227;--busy:#1f5fbf}\n",
	"@media(prefers-color-scheme:dark){:root{--bg:#0f1216;--card:#171b21;"
	"--ink:#e5e8ed;--soft:#98a3b1;--line:#282f38;--hover:#1b2027;"
	"--good:#4cc38a;--warn:#e3b341;--bad:#ff7b72;--busy:#79b0ff}}\n",
	"*{box-sizing:border-box}\n"
	"body{margin:0;background:var(--bg);color:var(--ink);"
	"font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,"
	"'Helvetica Neue',Arial,sans-serif;font-variant-numeric:tabular-nums;"
	"-webkit-text-size-adjust:100%}\n",
	"main{max-width:1120px;margin:0 auto;padding:28px 24px 40px}\n"
	"header{display:flex;flex-wrap:wrap;justify-content:space-between;"
	"align-items:flex-end;gap:12px 32px;margin-bottom:24px}\n"
	"h1{display:flex;align-items:center;gap:12px;margin:0;font-size:28px;"
	"line-height:1.2;font-weight:650;letter-spacing:-.01em}\n",
	"h1::before{content:'';flex:none;width:14px;height:14px;"
	"border-radius:50%;background:currentColor}\n"
	"h1 span{color:var(--ink)}\n"
	".good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}"
	".busy{color:var(--busy)}.soft{color:var(--soft)}\n",
	".why{margin:6px 0 0 26px;max-width:68ch;color:var(--soft);"
	"overflow-wrap:anywhere}\n"
	".why::first-letter{text-transform:uppercase}\n"
	".meta{margin:0;color:var(--soft);font-size:13px;text-align:right}\n"
	".meta b{color:var(--ink);font-weight:600}\n",
	"dl{margin:0}dt{color:var(--soft);font-size:13px}dd{margin:0}\n"
	".tiles{display:grid;grid-template-columns:repeat(6,1fr);gap:1px;"
	"background:var(--line);border:1px solid var(--line);"
	"border-radius:10px;overflow:hidden}\n"
	".tiles div{background:var(--card);padding:14px 18px}\n"
	".tiles dd{font-size:24px;line-height:1.3;font-weight:600}\n"
	".tiles small{display:block;min-height:1.5em;color:var(--soft);"
	"font-size:12px;font-weight:400}\n",
	"h2{margin:32px 0 10px;font-size:16px;font-weight:650}\n"
	"h2 small{margin-left:8px;color:var(--soft);font-size:13px;"
	"font-weight:400}\n"
	".card{background:var(--card);border:1px solid var(--line);"
	"border-radius:10px;overflow:hidden}\n"
	".none{margin:0;padding:16px 18px;color:var(--soft)}\n",
	"table{width:100%;border-collapse:collapse}\n"
	"th,td{padding:9px 14px;text-align:left;vertical-align:top}\n"
	"th:first-child,td:first-child{padding-left:18px}\n"
	"th:last-child,td:last-child{padding-right:18px}\n"
	"th{color:var(--soft);font-size:13px;font-weight:500;"
	"white-space:nowrap}\n"
	"tbody tr{border-top:1px solid var(--line)}\n"
	"tbody tr:hover{background:var(--hover)}\n",
	".num{text-align:right;white-space:nowrap}.fit{white-space:nowrap}\n"
	"td small{display:block;color:var(--soft);font-size:12px;"
	"font-weight:400}\n"
	".any{overflow-wrap:anywhere}\n"
	".mono{font-family:ui-monospace,'SF Mono',Menlo,Consolas,"
	"'DejaVu Sans Mono',monospace;font-size:13px}\n"
	"small.mono{font-size:12px}\n",
	".pair{display:grid;grid-template-columns:1fr 1fr;gap:0 24px;"
	"align-items:start}\n"
	".list div{display:flex;justify-content:space-between;gap:16px;"
	"padding:9px 18px}\n"
	".list div+div{border-top:1px solid var(--line)}\n"
	".list dt{font-size:15px;color:var(--ink)}\n",
	"footer{margin-top:32px;color:var(--soft);font-size:13px}\n"
	"a{color:inherit;text-underline-offset:2px}\n"
	"a:hover{color:var(--ink)}\n",
	"@media(max-width:900px){.tiles{grid-template-columns:repeat(3,1fr)}"
	".cards thead{display:none}.cards,.cards tbody{display:block}"
	".cards tr{display:grid;gap:8px 14px;padding:14px 18px;"
	"grid-template-columns:repeat(auto-fill,minmax(132px,1fr))}"
	".cards tr:first-child{border-top:0}\n",
	".cards td,.cards td:first-child,.cards td:last-child{padding:0;"
	"text-align:left}.cards td:first-child{font-weight:600}"
	".cards td[data-l]::before{content:attr(data-l);display:block;"
	"color:var(--soft);font-size:12px;font-weight:400;line-height:1.4}"
	".cards .full{grid-column:1/-1}.cards .gone{display:none}}\n",
	"@media(max-width:640px){main{padding:20px 14px 32px}"
	"h1{font-size:24px}.meta{text-align:left;margin-left:26px}"
	".tiles{grid-template-columns:1fr 1fr}.pair{grid-template-columns:1fr}"
	".tiles div{padding:12px 14px}.list div{padding:9px 14px}"
	".none,.cards tr{padding:14px}th:first-child,td:first-child{"
	"padding-left:14px}th:last-child,td:last-child{padding-right:14px}}\n",
	NULL,
};

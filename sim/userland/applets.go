package userland

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
)

// applets are the tools.
var applets = map[string]applet{
	"[":         {test, raw, "", "EXPRESSION ]"},
	"ash":       {sh, raw, "", ""},
	"basename":  {basename, "+as:", "", "FILE [SUFFIX] | -a FILE... | -s SUFFIX FILE..."},
	"cat":       {cat, "nbuvt", "number=n", "[-nb] [FILE]..."},
	"chgrp":     {chown, "Rhvcf", "recursive=R no-dereference=h", "[-Rhv] GROUP FILE..."},
	"chmod":     {chmodTool, raw, "", "[-Rcv] MODE[,MODE]... FILE..."},
	"chown":     {chown, "Rhvcf", "recursive=R no-dereference=h", "[-Rhv] USER[:[GRP]] FILE..."},
	"clear":     {clearScreen, "", "", ""},
	"cp":        {cp, "arRPLHpfinlsTut:dv", "archive=a recursive=R force=f no-dereference=P preserve=p verbose=v", "[-arPLHpfinlsTu] SOURCE DEST\nor: cp [-arPLHpfinlsu] SOURCE... { -t DIRECTORY | DIRECTORY }"},
	"cut":       {cut, "b:c:d:f:sn", "bytes=b characters=c fields=f delimiter=d only-delimited=s", "[OPTIONS] [FILE]..."},
	"date":      {date, "d:uIRr:s:D:", "date=d utc=u iso-8601=I rfc-2822=R reference=r", "[OPTIONS] [+FMT]"},
	"df":        {df, "hkmTaPi", "", "[-PkmhTa] [FILESYSTEM]..."},
	"dirname":   {dirname, "", "", "FILENAME"},
	"echo":      {echo, raw, "", ""},
	"egrep":     {grep, grepFlags, grepLong, grepUsage},
	"env":       {env, "+iu:0", "ignore-environment=i unset=u null=0", "[-i0] [-u NAME]... [-] [NAME=VALUE]... [PROG ARGS]"},
	"false":     {func(*tool) int { return 1 }, raw, "", ""},
	"fgrep":     {grep, grepFlags, grepLong, grepUsage},
	"grep":      {grep, grepFlags, grepLong, grepUsage},
	"head":      {withOldCount(head, headFlags, headUsage), raw, "", headUsage},
	"hostname":  {hostname, "sdfi", "", "[-sdf] [HOSTNAME]"},
	"id":        {id, "ugGnr", "user=u group=g groups=G name=n real=r", "[-ugGnr] [USER]"},
	"kill":      {kill, raw, "", "[-l] [-SIG] PID..."},
	"link":      {linkOne, "", "", "FILE LINK"},
	"ln":        {ln, "sfnvTb", "symbolic=s force=f no-dereference=n verbose=v", "[-sfnvT] TARGET... LINK|DIR"},
	"ls":        {ls, "1AaCxdLHRFplinshrSXvctuw:f", "all=a almost-all=A recursive=R full-time=f human-readable=h reverse=r inode=i directory=d", "[-1AaCxdLHRFplinshrSXvctu] [-w WIDTH] [FILE]..."},
	"mkdir":     {mkdir, "m:pv", "mode=m parents=p verbose=v", "[-m MODE] [-p] DIRECTORY..."},
	"mkfifo":    {mkfifo, "m:", "mode=m", "[-m MODE] NAME"},
	"mknod":     {mknod, "m:", "mode=m", "[-m MODE] NAME TYPE [MAJOR MINOR]"},
	"mount":     {mount, "o:t:arw", "", "[OPTIONS] [-o OPT] DEVICE NODE"},
	"mv":        {mv, "finTt:v", "force=f interactive=i no-clobber=n verbose=v", "[-finT] SOURCE DEST\nor: mv [-fin] SOURCE... { -t DIRECTORY | DIRECTORY }"},
	"nl":        {nl, "b:i:l:n:s:v:w:p", "", "[FILE]..."},
	"printenv":  {printenv, "", "", "[VARIABLE]..."},
	"printf":    {printf, raw, "", ""},
	"ps":        {ps, raw, "", ""},
	"pwd":       {func(t *tool) int { t.println(t.Dir); return 0 }, raw, "", ""},
	"readlink":  {readlink, "fnvsqe", "canonicalize=f no-newline=n", "[-fnv] FILE"},
	"realpath":  {realpathTool, "", "", "FILE..."},
	"rev":       {rev, "", "", "[FILE]..."},
	"rm":        {rm, "rRfiv", "recursive=r force=f interactive=i verbose=v", "[-irf] FILE..."},
	"rmdir":     {rmdir, "pvi", "parents=p ignore-fail-on-non-empty=i", "[-p] DIRECTORY..."},
	"sed":       {sedTool, raw, "", "[-i[SFX]] [-nrE] [-f FILE]... [-e CMD]... [FILE]...\nor: sed [-i[SFX]] [-nrE] CMD [FILE]..."},
	"sh":        {sh, raw, "", ""},
	"sleep":     {sleep, "", "", "[N]..."},
	"sort":      {sortTool, "k:t:o:nrubdfghiMVszcCmS:T:", "", "[-nrughMcszbdfiokt] [-o FILE] [-k START[.OFS][OPTS][,END[.OFS][OPTS]] [-t CHAR] [FILE]..."},
	"sync":      {func(*tool) int { return 0 }, "df", "", "[-df] [FILE]..."},
	"tac":       {tac, "", "", "[FILE]..."},
	"tail":      {withOldCount(tail, tailFlags, tailUsage), raw, "", tailUsage},
	"tee":       {tee, "ai", "append=a", "[-ai] [FILE]..."},
	"test":      {test, raw, "", ""},
	"touch":     {touch, "cad:mt:r:h", "no-create=c date=d reference=r no-dereference=h", "[-cham] [-d DATE] [-t DATE] [-r FILE] FILE..."},
	"tr":        {tr, "+dscC", "", "[-cds] STRING1 [STRING2]"},
	"true":      {func(*tool) int { return 0 }, raw, "", ""},
	"umount":    {umount, "aflrd", "", "[OPTIONS] FILESYSTEM|DIRECTORY"},
	"uname":     {uname, "asnrvmpio", "all=a", "[-amnrspvio]"},
	"uniq":      {uniq, "cduif:s:w:z", "count=c repeated=d unique=u ignore-case=i", "[-cduiz] [-f,s,w N] [FILE [OUTFILE]]"},
	"unlink":    {unlink, "", "", "FILE"},
	"wc":        {wc, "clmwL", "bytes=c lines=l words=w chars=m", "[-cmlwL] [FILE]..."},
	"which":     {which, "a", "", "[-a] COMMAND..."},
	"whoami":    {whoami, "", "", ""},
	"cmp":       {cmpTool, "ls", "", "[-ls] FILE1 [FILE2]"},
	"dd":        {dd, raw, "", "[if=FILE] [of=FILE] [bs=N] [count=N] [skip=N] [seek=N] [conv=notrunc]"},
	"diff":      {diff, "abBdiL:NqrTstuU:wc", "unified=U recursive=r brief=q", "[-biNqrsuw] [-L LABEL] [-U LINES] FILE1 FILE2"},
	"du":        {du, "aHLd:shkmclx", "max-depth=d all=a summarize=s human-readable=h total=c", "[-aHLdclsxhmk] [FILE]..."},
	"expr":      {expr, raw, "", "EXPRESSION"},
	"find":      {find, raw, "", "[-HL] [PATH]... [OPTIONS] [ACTIONS]"},
	"hexdump":   {hexdump, "Cv", "", "[-Cv] [FILE]..."},
	"md5sum":    {sum, "cs", "check=c status=s", "[-c[s]] [FILE]..."},
	"mktemp":    {mktemp, "dup:tq", "directory=d", "[-dtu] [-p DIR] [TEMPLATE]"},
	"od":        {od, "xcbt:vA:N:j:", "", "[-bcx] [FILE]..."},
	"seq":       {seq, "+ws:", "", "[-w] [-s SEP] [FIRST [INC]] LAST"},
	"sha1sum":   {sum, "cs", "check=c status=s", "[-c[s]] [FILE]..."},
	"sha256sum": {sum, "cs", "check=c status=s", "[-c[s]] [FILE]..."},
	"sha512sum": {sum, "cs", "check=c status=s", "[-c[s]] [FILE]..."},
	"stat":      {statTool, "c:tfL", "format=c terse=t file-system=f dereference=L", "[-ltf] [-c FMT] FILE..."},
	"tar":       {tarTool, raw, "", "c|x|t [-zhvkO] [-f TARFILE] [-C DIR] [FILE]..."},
	"truncate":  {truncate, "cs:", "size=s no-create=c", "[-c] -s SIZE FILE..."},
	"xargs":     {xargs, "+n:0I:irtpe:E:L:s:x", "null=0 no-run-if-empty=r max-args=n", "[OPTIONS] [PROG ARGS]"},
	"xxd":       {xxd, "p", "", "[-p] [FILE]"},
	"yes":       {yes, raw, "", "[STRING]"},
}

// Applets are the names of all tools, sorted.
func Applets() []string { return slices.Sorted(maps.Keys(applets)) }

// bash is the shell in a distribution, which busybox is not: the same shell,
// with bash's complaints.
const bash = "bash"

// Has says whether [Run] knows a name.
func Has(name string) bool {
	_, ok := applets[name]
	return ok || name == "busybox" || name == bash
}

// Run runs the applet that the base of Args[0] names, as "busybox APPLET …"
// does, and returns its exit status; 127 if there is none.
func Run(ctx context.Context, p *Process) int {
	if len(p.Args) == 0 {
		return 127
	}
	name := path.Base(p.Args[0])
	if name == "busybox" {
		return runBusybox(ctx, p)
	}
	if name[0] == '-' {
		name = name[1:] // a login shell
	}
	if name == bash {
		return runApplet(ctx, name, applet{run: sh, flags: raw}, p)
	}
	a, ok := applets[name]
	if !ok {
		fmt.Fprintf(p.Stderr, "%s: applet not found\n", name)
		return 127
	}
	return runApplet(ctx, name, a, p)
}

func runBusybox(ctx context.Context, p *Process) int {
	if len(p.Args) > 1 && p.Args[1] == bash {
		fmt.Fprintf(p.Stderr, "%s: applet not found\n", bash)
		return 127
	}
	if len(p.Args) > 1 && p.Args[1] != "--list" && p.Args[1] != "--help" {
		inner := p.copy()
		inner.Args = p.Args[1:]
		return Run(ctx, inner)
	}
	if len(p.Args) == 1 || p.Args[1] == "--help" {
		fmt.Fprintf(p.Stdout, "%s multi-call binary.\n\nUsage: busybox [function [arguments]...]\n   or: busybox --list\n\nCurrently defined functions:\n", version)
	}
	for _, name := range Applets() {
		fmt.Fprintln(p.Stdout, name)
	}
	return 0
}

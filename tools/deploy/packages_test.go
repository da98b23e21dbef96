package deploy

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // registers the packager
	_ "github.com/goreleaser/nfpm/v2/rpm" // registers the packager

	"github_workflow_exporter/internal/config"
)

const unitName = "github_workflow_exporter.service"

// unit is the unit as systemd reads it: the values of each key, over all sections.
func unit(t *testing.T) map[string][]string {
	t.Helper()
	keys := map[string][]string{}
	for line := range strings.Lines(string(read(t, in("systemd", unitName)))) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			keys[key] = append(keys[key], value)
		}
	}
	return keys
}

func TestUnit(t *testing.T) {
	keys, binary := unit(t), exporter(t)
	help := string(output(t, binary, "--help"))
	command := strings.Fields(keys["ExecStart"][0])
	for _, arg := range command[1:] {
		if name, _, isFlag := strings.Cut(arg, "="); isFlag && !strings.Contains(help, name) {
			t.Errorf("the program has no flag %s", name)
		}
	}
	c, err := config.Load(in("systemd", "config.yml"))
	if err != nil {
		t.Fatal(err)
	}
	credential, _, _ := strings.Cut(keys["LoadCredential"][0], ":")
	if want := "/run/credentials/" + unitName + "/" + credential; c.GitHub.TokenFile != want {
		t.Errorf("the configuration reads the token from %s, systemd puts it at %s", c.GitHub.TokenFile, want)
	}
	if state := keys["StateDirectory"][0]; !strings.Contains(keys["ExecStart"][0], "--storage.path=/var/lib/"+state+" ") {
		t.Errorf("the ledger is not in the state directory %s", state)
	}
	for key, want := range map[string]string{"NoNewPrivileges": "yes", "ProtectSystem": "strict", "CapabilityBoundingSet": "", "PrivateTmp": "yes", "MemoryDenyWriteExecute": "yes"} {
		if got := keys[key]; len(got) != 1 || got[0] != want {
			t.Errorf("%s=%q, want %q", key, got, want)
		}
	}
}

// TestUnitVerifies asks systemd itself, where it is.
func TestUnitVerifies(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("NOT RUN: there is no systemd-analyze here")
		return
	}
	binary := exporter(t)
	text := bytes.ReplaceAll(read(t, in("systemd", unitName)), []byte("/usr/bin/github_workflow_exporter"), []byte(binary))
	file := filepath.Join(t.TempDir(), unitName)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errs, err := execute(t, analyze, "verify", "--man=no", file); err != nil || len(errs) > 0 {
		t.Errorf("verify: %v\n%s%s", err, out, errs)
	}
	// 2.0 is "OK"; a change that loosens the unit much goes beyond it.
	if out, errs, err := execute(t, analyze, "security", "--offline=true", "--threshold=20", file); err != nil {
		t.Errorf("security: %v\n%s%s", err, out, errs)
	}
}

// TestPackages makes both packages as the recipe says, in a copy of the project with a stand-in for the program.
func TestPackages(t *testing.T) {
	dir := t.TempDir()
	recipe, err := filepath.Abs(in("systemd", "packaging", "nfpm.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "deploy", "systemd"), os.DirFS(in("systemd"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"README.md", "LICENSE", "config.example.yml"} {
		if err := os.WriteFile(filepath.Join(dir, name), read(t, filepath.Join(root, name)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "github_workflow_exporter"), []byte("program"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	t.Setenv("VERSION", "1.2.3")
	t.Setenv("ARCH", "amd64")
	t.Setenv("MAINTAINER", "Somebody Real <somebody@company.test>")
	for packager, name := range map[string]string{"deb": "github-workflow-exporter_1.2.3_amd64.deb", "rpm": "github-workflow-exporter-1.2.3-1.x86_64.rpm"} {
		c, err := nfpm.ParseFile(recipe)
		if err != nil {
			t.Fatal(err)
		}
		info, err := c.Get(packager)
		if err != nil {
			t.Fatal(err)
		}
		info = nfpm.WithDefaults(info)
		if info.Maintainer != "Somebody Real <somebody@company.test>" {
			t.Errorf("the maintainer is %q, not the one who makes the package", info.Maintainer)
		}
		if err := nfpm.Validate(info); err != nil {
			t.Fatalf("%s: %v", packager, err)
		}
		p, err := nfpm.Get(packager)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, p.ConventionalFileName(info))
		if filepath.Base(file) != name {
			t.Errorf("the package is called %s, the text says %s", filepath.Base(file), name)
		}
		makePackage(t, file, func(w io.Writer) error { return p.Package(info, w) })
		if dpkg, err := exec.LookPath("dpkg-deb"); packager == "deb" && err == nil {
			list := string(output(t, dpkg, "--contents", file))
			for _, want := range []string{"./usr/bin/github_workflow_exporter", "./usr/lib/systemd/system/" + unitName, "./etc/github_workflow_exporter/config.yml", "./usr/lib/sysusers.d/github_workflow_exporter.conf"} {
				if !strings.Contains(list, want+"\n") {
					t.Errorf("%s is not in the package:\n%s", want, list)
				}
			}
			if !strings.Contains(list, "-rwxr-xr-x root/root") {
				t.Errorf("the program cannot be run:\n%s", list)
			}
		}
	}
}

func makePackage(t *testing.T, file string, write func(io.Writer) error) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := write(f); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Size() < 1000 {
		t.Errorf("%s: %v", file, err)
	}
}

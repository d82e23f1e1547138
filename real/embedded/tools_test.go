//go:build linux

package embedded_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// tool runs a program and returns what it printed; without it the test skips.
func tool(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := try(t, name, args...)
	require.NoError(t, err, "%s %v: %s", name, args, out)
	return out
}

func try(t testing.TB, name string, args ...string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		testenv.Lacking(t, "%s is missing", name)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err != nil {
		return stdout.String() + stderr.String(), err
	}
	return stdout.String(), nil
}

// asRoot skips what the tools can do for root only.
func asRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("podman, buildah and docker are used as root")
	}
}

// docker needs an engine that answers.
func docker(t testing.TB, args ...string) string {
	t.Helper()
	if _, err := try(t, "docker", "version"); err != nil {
		testenv.Lacking(t, "a Docker Engine (start one, or say where it is in DOCKER_HOST) is missing")
	}
	return tool(t, "docker", args...)
}

// podman and buildah get a store of their own.
func containers(t testing.TB, program string) func(args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		testenv.Lacking(t, "%s is missing", program)
	}
	dir, err := os.MkdirTemp("", "twinlayer-"+program+"-")
	require.NoError(t, err)
	own := []string{"--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run")}
	t.Cleanup(func() {
		if program == "podman" {
			try(t, program, append(own, "rmi", "--all", "--force")...)
		}
		exec.Command("umount", filepath.Join(dir, "root", "overlay")).Run()
		require.NoError(t, os.RemoveAll(dir))
	})
	return func(args ...string) string {
		t.Helper()
		// crun refuses to run where there are both versions of cgroups.
		script := "unset CONTAINERS_CONF; mount -t cgroup2 none /sys/fs/cgroup; exec \"$@\"" // nor is another engine's configuration meant
		return tool(t, "unshare", append([]string{"-m", "sh", "-c", script, "sh", program}, append(own, args...)...)...)
	}
}

// root is busybox's layer as a file.
func root(t testing.TB) string {
	name := filepath.Join(t.TempDir(), "root.tar")
	require.NoError(t, os.WriteFile(name, busyboxLayer(t), 0o644))
	return name
}

// runs asserts that an image of busybox does what it should.
func runs(t testing.TB, e sim.Engine, ref string) {
	t.Helper()
	s := spec("/bin/cat", "/etc/motd")
	s.Image = ref
	out, err := run(t, e, s)
	require.NoError(t, err, ref)
	require.Equal(t, sim.Output{Stdout: "welcome\n"}, out, ref)
	require.NoError(t, e.RemoveContainer(timeout(t), s.ID, sim.RemoveOptions{}))
}

// loadFile loads an archive from the disk and runs each of its images.
func loadFile(t testing.TB, e sim.Engine, name string) {
	t.Helper()
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close()
	refs, err := e.Load(timeout(t), f)
	require.NoError(t, err, name)
	require.NotEmpty(t, refs)
	for _, ref := range refs {
		runs(t, e, ref)
	}
}

// pulls pulls an image that another tool pushed, and runs it.
func pulls(t testing.TB, e sim.Engine, ref string) {
	t.Helper()
	_, err := e.Pull(timeout(t), ref)
	require.NoError(t, err)
	runs(t, e, ref)
}

func TestDockersImages(t *testing.T) {
	asRoot(t)
	e, dir := engine(t), t.TempDir()
	docker(t, "import", root(t), "twinlayer-test/base:1")
	docker(t, "import", root(t), host+"/docker/pushed:1")
	t.Cleanup(func() {
		docker(t, "rmi", "-f", "twinlayer-test/base:1", host+"/docker/pushed:1")
	})
	docker(t, "save", "-o", filepath.Join(dir, "a.tar"), "twinlayer-test/base:1", host+"/docker/pushed:1")
	loadFile(t, e, filepath.Join(dir, "a.tar"))
	docker(t, "push", host+"/docker/pushed:1")
	_, err := e.RemoveImage(timeout(t), host+"/docker/pushed:1", false)
	require.NoError(t, err)
	pulls(t, e, host+"/docker/pushed:1")
}

func TestPodmansImages(t *testing.T) {
	asRoot(t)
	e, dir := engine(t), t.TempDir()
	podman := containers(t, "podman")
	podman("import", root(t), host+"/podman/base:1")
	for _, format := range []string{"docker-archive", "oci-archive"} {
		archive := filepath.Join(dir, format)
		podman("save", "--format", format, "-o", archive, host+"/podman/base:1")
		loadFile(t, e, archive)
	}
	podman("push", "--tls-verify=false", host+"/podman/base:1")
	podman("push", "--tls-verify=false", "--compression-format", "zstd", host+"/podman/base:1", host+"/podman/base:zstd")
	podman("push", "--tls-verify=false", "--format", "v2s2", host+"/podman/base:1", host+"/podman/base:schema2")
	for _, tag := range []string{"1", "zstd", "schema2"} {
		pulls(t, e, host+"/podman/base:"+tag)
	}
}

func TestBuildahsImages(t *testing.T) {
	asRoot(t)
	e, dir := engine(t), t.TempDir()
	buildah := containers(t, "buildah")
	name := strings.TrimSpace(buildah("from", "scratch"))
	buildah("add", name, root(t), "/")
	buildah("config", "--cmd", "/bin/cat /etc/motd", name)
	buildah("commit", "--tls-verify=false", name, "docker://"+host+"/buildah/base:1")
	buildah("commit", name, "oci-archive:"+filepath.Join(dir, "a.tar")+":buildah/base:2")
	buildah("rm", name)
	pulls(t, e, host+"/buildah/base:1")
	loadFile(t, e, filepath.Join(dir, "a.tar"))
}

func TestSkopeosImages(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir()) // where it looks for passwords
	e, dir := engine(t), t.TempDir()
	for _, kind := range []string{"docker-archive", "oci-archive"} {
		archive := filepath.Join(dir, kind)
		tool(t, "skopeo", "--insecure-policy", "copy", "--src-tls-verify=false", "docker://"+host+"/busybox:latest", kind+":"+archive+":skopeo/base:1")
		loadFile(t, e, archive)
	}
	tool(t, "skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", "docker-archive:"+filepath.Join(dir, "docker-archive"), "docker://"+host+"/skopeo/base:2")
	pulls(t, e, host+"/skopeo/base:2")
}

// ours saves an image of two layers to a file.
func ours(t testing.TB, e sim.Engine) string {
	t.Helper()
	push(t, "ana/ours:1", v1.Config{Cmd: []string{"/bin/cat", "/x"}}, busyboxLayer(t), layerTar(file("x", "12345\n"), file("etc/.wh.motd", ""), link("l", "x")))
	_, err := e.Pull(timeout(t), "ana/ours:1")
	require.NoError(t, err)
	name := filepath.Join(t.TempDir(), "ours.tar")
	f, err := os.Create(name)
	require.NoError(t, err)
	require.NoError(t, e.Save(timeout(t), []string{"ana/ours:1"}, f))
	require.NoError(t, f.Close())
	return name
}

func TestOthersReadOurImages(t *testing.T) {
	e := engine(t)
	archive := ours(t, e)
	dir := t.TempDir()
	img, err := e.Image(timeout(t), "ana/ours:1")
	require.NoError(t, err)
	t.Run("skopeo", func(t *testing.T) {
		for _, kind := range []string{"docker-archive:" + archive, "oci-archive:" + archive} {
			require.Contains(t, tool(t, "skopeo", "inspect", "--raw", kind), "layers", kind)
		}
	})
	t.Run("skopeo", func(t *testing.T) {
		for i, kind := range []string{"docker-archive:" + archive, "oci-archive:" + archive} {
			to := filepath.Join(dir, fmt.Sprint("copy", i))
			tool(t, "skopeo", "--insecure-policy", "copy", kind, "oci:"+to+":1")
			require.Contains(t, tool(t, "skopeo", "inspect", "--config", "oci:"+to+":1"), img.Layers[1].String())
		}
	})
	t.Run("umoci", func(t *testing.T) {
		layout := filepath.Join(dir, "layout")
		require.NoError(t, os.Mkdir(layout, 0o755))
		tool(t, "tar", "-C", layout, "-xf", archive)
		args := []string{"unpack", "--image", layout + ":1", filepath.Join(dir, "bundle")}
		if os.Geteuid() != 0 {
			args = append([]string{args[0], "--rootless"}, args[1:]...)
		}
		tool(t, "umoci", args...)
		x, err := os.ReadFile(filepath.Join(dir, "bundle/rootfs/x"))
		require.NoError(t, err)
		require.Equal(t, "12345\n", string(x))
		require.NoFileExists(t, filepath.Join(dir, "bundle/rootfs/etc/motd"))
	})
	t.Run("docker", func(t *testing.T) {
		asRoot(t)
		require.Contains(t, docker(t, "load", "-i", archive), "ana/ours:1")
		defer docker(t, "rmi", "-f", "ana/ours:1")
		require.Equal(t, img.ID.String()+"\n", docker(t, "inspect", "-f", "{{.Id}}", "ana/ours:1"))
		require.Equal(t, "12345\n", docker(t, "run", "--rm", "--network", "none", "ana/ours:1"))
	})
	t.Run("podman", func(t *testing.T) {
		asRoot(t)
		podman := containers(t, "podman")
		podman("load", "-i", archive)
		unlimited := []string{"--cgroups", "disabled", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000"}
		require.Equal(t, "12345\n", podman(append(append([]string{"run", "--rm", "--network", "none"}, unlimited...), "ana/ours:1")...))
	})
}

// debianRegistry starts docker-registry with TLS and a password, which it, or
// a server of tokens, asks for; and sets up a docker configuration that knows
// both.
func debianRegistry(t *testing.T, tokens bool) (address, config, xdg string) {
	for _, program := range []string{"docker-registry", "htpasswd"} {
		if _, err := exec.LookPath(program); err != nil {
			testenv.Lacking(t, "%s is missing", program)
		}
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
		return name
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address = l.Addr().String()
	l.Close()
	cert, key := certificate(t)
	auth := fmt.Sprintf("htpasswd: {realm: test, path: %s}", write("htpasswd", tool(t, "htpasswd", "-Bbn", "ana", "secret")))
	if tokens {
		server := tokenServer(t, cert, key)
		write("xdg/docker/certs.d/"+server+"/ca.crt", cert)
		auth = fmt.Sprintf("token: {realm: %q, service: test, issuer: test, rootcertbundle: %s}", "https://"+server+"/token", write("issuer.pem", cert))
	}
	file := write("config.yml", fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: %q, tls: {certificate: %s, key: %s}}\nauth: {%s}\n",
		filepath.Join(dir, "data"), address, write("cert.pem", cert), write("key.pem", key), auth))
	server := exec.Command("docker-registry", "serve", file)
	var said bytes.Buffer
	server.Stderr, server.Stdout = &said, &said
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		server.Process.Kill()
		server.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	for limit := timeout(t); ; time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			break
		}
		require.NoError(t, limit.Err(), "docker-registry does not start")
	}
	known := base64.StdEncoding.EncodeToString([]byte("ana:secret"))
	text, err := json.Marshal(map[string]any{"auths": map[string]any{address: map[string]string{"auth": known}}})
	require.NoError(t, err)
	write("docker/config.json", string(text))
	write("xdg/docker/certs.d/"+address+"/ca.crt", cert)
	return address, filepath.Join(dir, "docker"), filepath.Join(dir, "xdg")
}

// tokenServer gives ana the tokens that she asks for
// (distribution.github.io/distribution/spec/auth/token and .../jwt).
func tokenServer(t *testing.T, cert, key string) (address string) {
	der, _ := pem.Decode([]byte(cert))
	secret, _ := pem.Decode([]byte(key))
	private, err := x509.ParsePKCS8PrivateKey(secret.Bytes)
	require.NoError(t, err)
	part := func(v any) string {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	require.NoError(t, err)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); !ok || user != "ana" || password != "secret" {
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED"}]}`, http.StatusUnauthorized)
			return
		}
		var access []map[string]any
		for _, scope := range r.URL.Query()["scope"] {
			what := strings.Split(scope, ":")
			access = append(access, map[string]any{"type": what[0], "name": what[1], "actions": strings.Split(what[2], ",")})
		}
		now := time.Now().Unix()
		signed := part(map[string]any{"typ": "JWT", "alg": "ES256", "x5c": []string{base64.StdEncoding.EncodeToString(der.Bytes)}}) + "." +
			part(map[string]any{"iss": "test", "sub": "ana", "aud": "test", "exp": now + 60, "nbf": now - 10, "iat": now, "jti": "1", "access": access})
		sum := sha256.Sum256([]byte(signed))
		a, b, _ := ecdsa.Sign(rand.Reader, private.(*ecdsa.PrivateKey), sum[:])
		signature := append(a.FillBytes(make([]byte, 32)), b.FillBytes(make([]byte, 32))...)
		json.NewEncoder(w).Encode(map[string]string{"token": signed + "." + base64.RawURLEncoding.EncodeToString(signature)})
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	s.StartTLS()
	t.Cleanup(s.Close)
	// go-containerregistry refuses a realm by a private address.
	return fmt.Sprintf("localhost:%d", s.Listener.Addr().(*net.TCPAddr).Port)
}

// certificate is one that this machine signed for itself.
func certificate(t *testing.T) (cert, key string) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "twinlayer test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

// Push to and pull from a registry that wants TLS and a password.
func TestDebiansRegistry(t *testing.T) {
	for name, tokens := range map[string]bool{"password": false, "token": true} {
		t.Run(name, func(t *testing.T) { withPassword(t, tokens) })
	}
}

func withPassword(t *testing.T, tokens bool) {
	address, config, xdg := debianRegistry(t, tokens)
	ref := address + "/ana/app:1"
	fresh := func(config, xdg string) *embedded.Engine {
		t.Setenv("DOCKER_CONFIG", config)
		t.Setenv("XDG_CONFIG_HOME", xdg)
		e := start(t, embedded.Config{DataDir: scratch(t), Registry: host})
		_, err := e.Pull(timeout(t), busybox(t))
		require.NoError(t, err)
		require.NoError(t, e.Tag(timeout(t), "busybox", ref))
		return e
	}
	nowhere := t.TempDir()
	_, err := fresh(config, nowhere).Push(timeout(t), ref)
	refused(t, err, `Get "https://`+address+`/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority`, 1)
	stranger := fresh(nowhere, xdg)
	_, err = stranger.Push(timeout(t), ref)
	refused(t, err, "unauthorized: authentication required", 1)
	_, err = stranger.Pull(timeout(t), ref)
	refused(t, err, "pull access denied for "+address+"/ana/app, repository does not exist or may require 'docker login': denied: requested access to the resource is denied", 1)

	e := fresh(config, xdg)
	first, err := e.Push(timeout(t), ref)
	require.NoError(t, err)
	require.Equal(t, ref, first.Ref)
	require.False(t, first.Layers[0].Exists)
	again, err := e.Push(timeout(t), ref)
	require.NoError(t, err)
	require.True(t, again.Layers[0].Exists)
	require.Equal(t, first.Digest, again.Digest)
	_, err = e.RemoveImage(timeout(t), ref, false)
	require.NoError(t, err)
	pulled, err := e.Pull(timeout(t), ref)
	require.NoError(t, err)
	require.Equal(t, first.Digest, pulled.Digest)
	runs(t, e, ref)
	_, err = e.Pull(timeout(t), address+"/ana/app:nosuch")
	refused(t, err, "manifest for "+address+"/ana/app:nosuch not found: manifest unknown: manifest unknown", 1)
}

package docker_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/cli/cli/config"
	"github.com/stretchr/testify/require"

	"twinlayer/fs/platform"
	"twinlayer/fs/testenv"
	"twinlayer/real/docker"
	"twinlayer/real/docker/daemon"
	"twinlayer/sim"
	"twinlayer/sim/bundle"
	"twinlayer/sim/userland"
)

// TestTransports reaches one daemon in every way that the docker command
// does: over TLS by the environment and by a context, and over ssh.
func TestTransports(t *testing.T) {
	certs, port := certificates(t), freePort(t)
	d := startDaemon(t, "-H", "tcp://127.0.0.1:"+port, "--tlsverify",
		"--tlscacert", certs+"/ca.pem", "--tlscert", certs+"/server.pem", "--tlskey", certs+"/server-key.pem")
	tcp := "tcp://127.0.0.1:" + port
	t.Run("tls", func(t *testing.T) {
		t.Setenv("DOCKER_HOST", tcp)
		t.Setenv("DOCKER_TLS_VERIFY", "1")
		t.Setenv("DOCKER_CERT_PATH", certs)
		requireRuns(t)
		t.Setenv("DOCKER_CERT_PATH", certificates(t))
		_, err := open(t)
		require.ErrorContains(t, err, "DOCKER_CERT_PATH")
		t.Setenv("DOCKER_TLS_VERIFY", "")
		_, err = open(t)
		require.ErrorContains(t, err, "DOCKER_TLS_VERIFY")
	})
	t.Run("context", func(t *testing.T) {
		if _, err := exec.LookPath("docker"); err != nil {
			testenv.Lacking(t, "the docker command, which makes contexts, is missing")
		}
		dir := t.TempDir()
		t.Setenv("DOCKER_HOST", "")
		t.Setenv("DOCKER_CONFIG", dir)
		config.SetDir(dir)
		t.Cleanup(func() { config.SetDir(filepath.Join(os.Getenv("HOME"), ".docker")) })
		command(t, "docker", "context", "create", "far", "--docker",
			fmt.Sprintf("host=%s,ca=%[2]s/ca.pem,cert=%[2]s/cert.pem,key=%[2]s/key.pem", tcp, certs))
		command(t, "docker", "context", "use", "far")
		e, err := open(t)
		require.NoError(t, err)
		require.NoError(t, e.Close())
	})
	t.Run("ssh", func(t *testing.T) {
		t.Setenv("DOCKER_HOST", sshTo(t, "unix://"+d.socket()))
		requireRuns(t)
		t.Setenv("DOCKER_HOST", "ssh://nobody@127.0.0.1:1")
		_, err := open(t)
		require.ErrorContains(t, err, "Connection refused): see that \"docker -H ssh://nobody@127.0.0.1:1 version\" works")
	})
}

func open(t *testing.T) (*docker.Engine, error) {
	exe, err := os.Executable()
	require.NoError(t, err)
	target, err := daemon.FindDocker()
	if err != nil {
		return nil, err
	}
	return docker.Start(t.Context(), docker.Config{Target: target, Registry: bundle.New(platform.Host(), bundle.File(exe), userland.Applets())})
}

// requireRuns runs hello-world on the engine that the environment names.
func requireRuns(t *testing.T) {
	t.Helper()
	e, err := open(t)
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close()) }()
	_, err = e.Pull(t.Context(), "hello-world")
	require.NoError(t, err)
	c, err := e.Create(t.Context(), sim.Spec{ID: strings.Repeat("a", 64), Name: "far", Created: time.Now(), Image: "hello-world"})
	require.NoError(t, err)
	out, err := e.Start(t.Context(), c.ID, false)
	require.NoError(t, err)
	require.Contains(t, out.Stdout, "Hello from twinlayer!")
	layer, err := e.Layer(t.Context(), c.ID)
	require.NoError(t, err)
	require.True(t, layer.Empty())
}

func command(t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(t, err, "%s %v: %s", name, args, out)
}

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

// certificates makes a directory with an authority's certificate and what it
// has signed, for a daemon on the loopback and for its client, under the names
// that docker looks for.
func certificates(t *testing.T) string {
	dir := t.TempDir()
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	key := sign(t, dir, "ca.pem", "ca-key.pem", ca, ca, nil)
	for i, names := range [][2]string{{"server.pem", "server-key.pem"}, {"cert.pem", "key.pem"}} {
		usage := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}[i]
		sign(t, dir, names[0], names[1], &x509.Certificate{SerialNumber: big.NewInt(int64(i + 2)), Subject: pkix.Name{CommonName: names[0]},
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{usage}}, ca, key)
	}
	return dir
}

// sign writes a certificate and its key; one without a signer signs itself.
func sign(t *testing.T, dir, certName, keyName string, c, ca *x509.Certificate, signer *ecdsa.PrivateKey) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	if signer == nil {
		signer = key
	}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	cert, err := x509.CreateCertificate(rand.Reader, c, ca, &key.PublicKey, signer)
	require.NoError(t, err)
	private, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	for name, block := range map[string]*pem.Block{certName: {Type: "CERTIFICATE", Bytes: cert}, keyName: {Type: "EC PRIVATE KEY", Bytes: private}} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600))
	}
	return key
}

// sshTo starts an sshd whose visitors find the daemon at host, and returns
// what DOCKER_HOST has to be for them.
func sshTo(t *testing.T, host string) string {
	sshd, err := exec.LookPath("/usr/sbin/sshd")
	if err != nil {
		testenv.Lacking(t, "sshd is missing")
	}
	me, err := user.Current()
	require.NoError(t, err)
	dir, port := t.TempDir(), freePort(t)
	require.NoError(t, os.MkdirAll("/run/sshd", 0o755))
	for _, key := range []string{"host", "mine"} {
		command(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, key))
	}
	write := func(name, text string, mode os.FileMode) string {
		name = filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(name, []byte(strings.ReplaceAll(text, "DIR", dir)), mode))
		return name
	}
	serve := write("sshd", "Port "+port+"\nListenAddress 127.0.0.1\nHostKey DIR/host\nPidFile none\nStrictModes no\nUsePAM no\n"+
		"AuthorizedKeysFile DIR/mine.pub\nPermitRootLogin prohibit-password\nSetEnv DOCKER_HOST="+host+"\n", 0o600)
	connect := write("config", "IdentityFile DIR/mine\nUserKnownHostsFile DIR/known\nStrictHostKeyChecking accept-new\nBatchMode yes\n", 0o600)
	real, err := exec.LookPath("ssh")
	require.NoError(t, err)
	write("ssh", "#!/bin/sh\nexec "+real+" -F "+connect+" \"$@\"\n", 0o755)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	cmd := exec.Command(sshd, "-D", "-e", "-f", serve)
	var log bytes.Buffer
	cmd.Stderr = &log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, 30*time.Second, 50*time.Millisecond)
	return "ssh://" + me.Username + "@127.0.0.1:" + port
}

package remote

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// RoundTrip is the client as an http.RoundTripper: it speaks plain HTTP with
// the loopback, and with whom the configuration names, and HTTPS with all
// others. Certificates are checked against the system's authorities and
// those in docker's certs.d directories.
func (c *Client) RoundTrip(r *http.Request) (*http.Response, error) {
	host := r.URL.Host
	switch {
	case c.own(host) && r.URL.Scheme == "https":
		return nil, errors.New("this registry speaks plain HTTP")
	case c.own(host):
		r = r.Clone(r.Context())
		r.Host, r.URL.Host = host, c.cfg.Bundled
	case r.URL.Scheme == "http" && !c.plain[host] && !loopback(r.URL.Hostname()):
		return nil, fmt.Errorf("%s would be asked without encryption: only registries on this machine are; name it with --insecure-registry if it has to be", host)
	}
	t, err := c.transport(r.URL.Host)
	if err != nil {
		return nil, err
	}
	return t.RoundTrip(r)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// own says whether a host is this program's own registry: by its address, or
// by the name that it has for people, localhost:5000, while no other registry
// listens there.
func (c *Client) own(host string) bool {
	switch {
	case c.cfg.Bundled == "":
		return false
	case host == c.cfg.Bundled:
		return true
	case host != "localhost:5000" && host != "127.0.0.1:5000":
		return false
	}
	conn, err := net.DialTimeout("tcp", host, time.Second)
	if err == nil {
		conn.Close()
	}
	return err != nil
}

// transport is that of a host.
func (c *Client) transport(host string) (http.RoundTripper, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, ok := c.hosts[host]; ok {
		return t, nil
	}
	config, err := certificates(host, certDirs())
	if err != nil {
		return nil, err
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = config
	t.ResponseHeaderTimeout = time.Minute
	t.DisableCompression = true // what is compressed is to stay so
	c.hosts[host] = t
	return t, nil
}

// certDirs are where docker looks for certificates, as root and rootless.
func certDirs() []string {
	dirs := []string{"/etc/docker/certs.d"}
	if config, err := os.UserConfigDir(); err == nil {
		dirs = append(dirs, filepath.Join(config, "docker", "certs.d"))
	}
	return dirs
}

// certificates is TLS as the files in DIR/HOST ask for: *.crt are further
// authorities, *.cert with *.key prove who the user is
// (docs.docker.com/engine/security/certificates).
func certificates(host string, dirs []string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	for _, dir := range dirs {
		dir = filepath.Join(dir, host)
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if err := addCertificate(config, filepath.Join(dir, e.Name())); err != nil {
				return nil, err
			}
		}
	}
	return config, nil
}

func addCertificate(config *tls.Config, file string) error {
	switch filepath.Ext(file) {
	case ".crt":
		pem, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if config.RootCAs == nil {
			if config.RootCAs, err = x509.SystemCertPool(); err != nil {
				config.RootCAs = x509.NewCertPool()
			}
		}
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("%s holds no certificate in PEM form: put it right or remove it", file)
		}
	case ".cert":
		pair, err := tls.LoadX509KeyPair(file, strings.TrimSuffix(file, ".cert")+".key")
		if err != nil {
			return fmt.Errorf("the client certificate %s: %w", file, err)
		}
		config.Certificates = append(config.Certificates, pair)
	}
	return nil
}

-- Prosody as fast as it goes: epoll, generational garbage collection (2 to 4 times cheaper than its default), no limits, no federation.
-- @…@ is filled in by prosody.ts.
run_as_root = true
pidfile = "@data@/prosody.pid"
data_path = "@data@"
plugin_paths = {}
network_backend = "epoll"
gc = { mode = "generational" }
interfaces = { "127.0.0.1" }
c2s_ports = { @port@ }
c2s_direct_tls_ports = { @tlsPort@ }
s2s_ports = {}
http_ports = {}
https_ports = {}
c2s_require_encryption = false
authentication = "internal_hashed"
storage = "internal"
allow_registration = true
limits = {}
log = { error = "@data@/prosody.log" }
modules_enabled = { "roster", "saslauth", "disco", "register", "ping", @features@ }
modules_disabled = { "s2s", "tls", "offline" }
default_archive_policy = true
ssl = { key = "@key@", certificate = "@cert@" }
c2s_direct_tls_ssl = ssl
VirtualHost "localhost"

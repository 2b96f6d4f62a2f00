module execplug-bench-peer

go 1.20

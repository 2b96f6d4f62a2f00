-- /etc/lighttpd/execplug.lua: what lighttpd answers itself, as Argo wants
-- it.  Answers of execplugd are JSON already and pass unchanged.
local r = lighty.r
local status = r.req_item.http_status

if status < 400 or r.resp_header["Content-Type"] == "application/json" then
  return 0
end

local message = "the web server refused the request"
if status == 413 then
  message = "the body is too large"
elseif status >= 500 then
  status = 503
  message = "no worker answered the call; try again"
end

r.resp_header["Content-Type"] = "application/json"
r.resp_body:set({ '{"message":"' .. message .. '"}\n' })
return status

{{/* Rules of egress that several processes have. */}}
{{- define "penstock.to-names" }}
    - { ports: [{ protocol: UDP, port: 53 }, { protocol: TCP, port: 53 }] }
{{- end }}
{{- define "penstock.to-redis" }}
    - to: [{ ipBlock: { cidr: {{ .Values.networkPolicy.redisCidr }} } }]
{{- template "penstock.ports" .Values.networkPolicy.redisPorts }}
{{- end }}
{{- define "penstock.to-database" }}
    - to: [{ ipBlock: { cidr: {{ .Values.networkPolicy.databaseCidr }} } }]
{{- template "penstock.ports" .Values.networkPolicy.databasePorts }}
{{- end }}
{{- define "penstock.to-collector" }}
{{- if .Values.otlpEndpoint }}
    - { ports: [{ protocol: TCP, port: {{ .Values.networkPolicy.otlpPort }} }] }
{{- end }}
{{- end }}
{{/* No rule where there are no ports: one without any would allow all. */}}
{{- define "penstock.to-outside" }}
{{- range . }}
    - { ports: [{ protocol: TCP, port: {{ . }} }] }
{{- end }}
{{- end }}
{{- define "penstock.ports" }}
      ports:
{{- range . }}
        - { protocol: TCP, port: {{ . }} }
{{- end }}
{{- end }}

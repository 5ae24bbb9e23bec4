<#
.SYNOPSIS
    Puts cloud-init's data into the key-value pairs of a virtual machine.
.DESCRIPTION
    The guest's hvguest-seed.service makes a NoCloud seed out of them before cloud-init
    looks. Run it on the Hyper-V host after New-VM; the machine may be off.
.EXAMPLE
    .\Set-CloudInitSeed.ps1 -VMName web1 -UserData .\user-data.yaml
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $VMName,
    [Parameter(Mandatory)] [string] $UserData,
    [string] $MetaData,
    [string] $NetworkConfig,
    [string] $VendorData
)
$ErrorActionPreference = 'Stop'

# A value reaches the guest with 1022 characters at most.
$partSize = 1000

function ConvertTo-Items([string] $Name, [string] $Path) {
    $bytes = [IO.File]::ReadAllBytes((Resolve-Path $Path))
    $sha = [Security.Cryptography.SHA256]::Create().ComputeHash($bytes)
    $buffer = [IO.MemoryStream]::new()
    $gzip = [IO.Compression.GZipStream]::new($buffer, [IO.Compression.CompressionMode]::Compress)
    $gzip.Write($bytes, 0, $bytes.Length)
    $gzip.Dispose()
    $text = [Convert]::ToBase64String($buffer.ToArray())
    $count = [Math]::Ceiling($text.Length / $partSize)
    $items = [ordered]@{}
    for ($part = 0; $part -lt $count; $part++) {
        $length = [Math]::Min($partSize, $text.Length - $part * $partSize)
        $items["cloud-init.$Name.$part"] = $text.Substring($part * $partSize, $length)
    }
    $items["cloud-init.$Name.parts"] = "$count"
    $items["cloud-init.$Name.encoding"] = 'gzip+base64'
    $items["cloud-init.$Name.sha256"] = -join ($sha | ForEach-Object { $_.ToString('x2') })
    $items
}

$namespace = 'root\virtualization\v2'
$service = Get-CimInstance -Namespace $namespace -ClassName Msvm_VirtualSystemManagementService
$vm = Get-CimInstance -Namespace $namespace -ClassName Msvm_ComputerSystem -Filter "ElementName='$VMName'"
if (-not $vm) { throw "There is no virtual machine '$VMName'" }

function New-Item-Xml([string] $Key, [string] $Value) {
    $class = [Management.ManagementClass]::new("\\.\${namespace}:Msvm_KvpExchangeDataItem")
    $item = $class.CreateInstance()
    $item.Name = $Key
    $item.Data = $Value
    $item.Source = 0
    $item.PSBase.GetText([Management.TextFormat]::CimDtd20)
}

$files = [ordered]@{ 'user-data' = $UserData }
if ($MetaData) { $files['meta-data'] = $MetaData }
if ($NetworkConfig) { $files['network-config'] = $NetworkConfig }
if ($VendorData) { $files['vendor-data'] = $VendorData }

foreach ($name in $files.Keys) {
    $items = ConvertTo-Items $name $files[$name]
    $xml = @($items.Keys | ForEach-Object { New-Item-Xml $_ $items[$_] })
    $result = Invoke-CimMethod -InputObject $service -MethodName AddKvpItems -Arguments @{
        TargetSystem = $vm
        DataItems    = [string[]] $xml
    }
    # 4096: the job goes on by itself.
    if ($result.ReturnValue -notin 0, 4096) {
        throw "AddKvpItems for '$name': $($result.ReturnValue)"
    }
}
